using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Which flows of a datapath are meant.</summary>
internal delegate bool FlowPredicate(in FlowKey key, in FlowKey mask);

/// <summary>dpctl's "filter=tcp,nw_src=10.0.0.1": flows that such packets may take.</summary>
/// <remarks>A bit counts when filter and flow both look at it (ovs-dpctl(8)).</remarks>
internal sealed class FlowFilter
{
    private const string Word = "filter=";

    private readonly FlowKey _key;
    private readonly FlowKey _mask;

    private FlowFilter(in FlowKey key, in FlowKey mask) => (_key, _mask) = (key, mask);

    /// <summary>The filter among the words; one that takes all when there is none.</summary>
    /// <exception cref="UnixctlException">It cannot be read.</exception>
    public static FlowFilter Of(ImmutableArray<string> words)
    {
        var text = words.FirstOrDefault(
            word => word.StartsWith(Word, StringComparison.Ordinal));
        PipelineKey key = default, mask = default;
        if (text is not null)
        {
            if (!OfMatchText.TryParseExact(text[Word.Length..], out var match, out var error)
                || !match.TryExpand(ref key, ref mask, TlvTable.Empty))
            {
                throw new UnixctlException(
                    $"ovs-vswitchd: Failed to parse filter ({text[Word.Length..]}: {error})");
            }
        }

        // Here in_port is the datapath's number.
        if (mask.InPortWire != 0)
        {
            key.Flow.InPort = key.InPort;
            mask.Flow.InPortWire = uint.MaxValue;
        }

        return new FlowFilter(in key.Flow, in mask.Flow);
    }

    public bool Takes(in FlowKey key, in FlowKey mask)
    {
        var keys = Words(in key);
        var masks = Words(in mask);
        var wanted = Words(in _key);
        var looked = Words(in _mask);
        for (var i = 0; i < keys.Length; i++)
        {
            if (((keys[i] ^ wanted[i]) & masks[i] & looked[i]) != 0) return false;
        }

        return true;
    }

    private static ReadOnlySpan<ulong> Words(in FlowKey key) =>
        MemoryMarshal.Cast<FlowKey, ulong>(new ReadOnlySpan<FlowKey>(in key));
}
