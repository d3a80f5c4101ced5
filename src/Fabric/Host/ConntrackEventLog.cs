using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>
/// The last events of the tracker, for programs that ask for them again and again.
/// </summary>
/// <remarks>
/// Packet threads only enqueue. Nobody asked for ten seconds: nothing is kept, and packets pay
/// nothing. More than 65,536 between two questions: the oldest are lost, and the next answer says
/// how many.
/// </remarks>
internal sealed class ConntrackEventLog(Func<IDatapathConntrack?> tracker)
{
    private const int CountMax = 65_536;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<(long Sequence, ConntrackEvent Event)> _events = [];
    private IDatapathConntrack? _listeningTo;
    private long _askedAt;
    private long _sequence;

    /// <summary>Events after the number in the first argument, of the zone in the second.</summary>
    /// <returns>
    /// One JSON object a line; the last one is {"next": N}, the number to ask with next, and "lost"
    /// if there are events that nobody will hear of.
    /// </returns>
    public string Since(ImmutableArray<string> arguments)
    {
        if (!long.TryParse(arguments[0], NumberStyles.None, null, out var since))
        {
            throw new UnixctlException("the first argument is the number of an event, or 0");
        }

        ushort? zone = arguments.Length < 2
            ? null
            : ConntrackCommands.ZoneOf(arguments[1])
                ?? throw new UnixctlException($"{arguments[1]} is no zone");
        var text = new StringBuilder();
        lock (_gate)
        {
            Listen();
            var first = _events.TryPeek(out var oldest) ? oldest.Sequence : _sequence + 1;
            var lost = since > 0 && since + 1 < first ? first - since - 1 : 0;
            foreach (var (sequence, change) in _events)
            {
                if (sequence <= since || (zone is not null && change.Entry.Zone != zone)) continue;
                text.Append(ConntrackJson.Line(WordOf(change.Change), sequence, change.Entry));
            }

            text.Append(CultureInfo.InvariantCulture,
                $"{{\"next\":{_sequence},\"lost\":{lost}}}\n");
        }

        return text.ToString();
    }

    private void Listen()
    {
        _askedAt = Environment.TickCount64;
        var current = tracker();
        if (ReferenceEquals(current, _listeningTo)) return;
        if (_listeningTo is not null) _listeningTo.Changed -= Hear;
        _listeningTo = current;
        if (current is not null) current.Changed += Hear;
    }

    /// <summary>Runs on packet threads.</summary>
    private void Hear(ConntrackEvent change)
    {
        lock (_gate)
        {
            if (Environment.TickCount64 - _askedAt > Patience.TotalMilliseconds)
            {
                if (_listeningTo is not null) _listeningTo.Changed -= Hear;
                _listeningTo = null;
                _events.Clear();
                return;
            }

            if (_events.Count >= CountMax) _events.Dequeue();
            _events.Enqueue((++_sequence, change));
        }
    }

    private static string WordOf(ConntrackChange change) => change switch
    {
        ConntrackChange.New => "new",
        ConntrackChange.Updated => "update",
        _ => "destroy",
    };
}
