using System.Collections.Immutable;
using System.Globalization;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>Options of ofproto/trace, and the words that are none.</summary>
internal sealed class TraceOptions
{
    private const int PayloadSizeMax = 65_535;

    /// <summary>Conntrack states of recirculations, in order.</summary>
    public List<ConntrackState> States { get; } = [];
    public List<string> Words { get; } = [];

    /// <summary>-generate: a packet is made and really goes its way.</summary>
    public bool Generates { get; private set; }
    public bool IsJson { get; private set; }
    public bool HasNames { get; private set; }

    /// <summary>Bytes behind the headers of a made packet; null: as many as usual.</summary>
    public int? PayloadSize { get; private set; }

    /// <exception cref="UnixctlException">An option is unknown or lacks its value.</exception>
    public static TraceOptions Parse(ImmutableArray<string> arguments, bool isPacketOut)
    {
        var options = new TraceOptions();
        for (var i = 0; i < arguments.Length; i++)
        {
            var word = arguments[i];
            if (!word.StartsWith('-'))
            {
                options.Words.Add(word);
                continue;
            }

            var equals = word.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? word : word[..equals];
            string Value() => equals >= 0 ? word[(equals + 1)..]
                : ++i < arguments.Length ? arguments[i]
                : throw new UnixctlException($"Missing argument for option {name}");
            options.Take(name, Value, isPacketOut);
        }

        return options;
    }

    private void Take(string name, Func<string> value, bool isPacketOut)
    {
        switch (name)
        {
            case "-generate" or "--generate":
                Generates = true;
                break;
            case "--json":
                IsJson = true;
                break;
            case "--names":
                HasNames = true;
                break;
            case "--no-names":
                HasNames = false;
                break;
            case "-consistent" or "--consistent" when isPacketOut:
                break;
            case "--ct-next":
                var text = value();
                if (!FlowTrace.TryParseState(text, out var state))
                {
                    throw new UnixctlException($"invalid connection state: {text}");
                }

                States.Add(state);
                break;
            case "--l7":
                var payload = value();
                if (payload.Length % 2 != 0 || !payload.All(char.IsAsciiHexDigit))
                {
                    throw new UnixctlException("Trailing garbage in payload data");
                }

                PayloadSize = payload.Length / 2;
                break;
            case "--l7-len":
                var digits = value();
                if (!int.TryParse(
                    digits, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                    || size > PayloadSizeMax)
                {
                    throw new UnixctlException($"invalid payload length: {digits}");
                }

                PayloadSize = size;
                break;
            default:
                throw new UnixctlException($"{name}: unknown option");
        }
    }
}
