using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// The pipeline's fields of a packet that goes to controllers, as an exact match.
/// </summary>
internal static class PacketInMetadata
{
    /// <param name="state">Registers, metadata, in_port, tunnel: from the frozen state.</param>
    /// <param name="packet">Conntrack fields and mark: from the packet.</param>
    public static Match Of(in PipelineKey state, in FlowKey packet)
    {
        var key = state;
        packet.CopyCoreTo(ref key.Flow);
        var match = new MatchBuilder();
        match.Set(MatchField.InPortOxm, key.InPort);
        Add(match, MatchField.TunnelId, in key);
        Add(match, MatchField.TunnelSource, in key);
        Add(match, MatchField.TunnelDestination, in key);
        Add(match, MatchField.TunnelIpv6Source, in key);
        Add(match, MatchField.TunnelIpv6Destination, in key);
        Add(match, MatchField.Metadata, in key);
        for (var i = 0; i < PipelineKey.RegisterCount; i++)
        {
            Add(match, MatchField.Reg(i), in key);
        }

        Add(match, MatchField.PacketMark, in key);
        Add(match, MatchField.ConntrackStateField, in key);
        Add(match, MatchField.ConntrackZone, in key);
        Add(match, MatchField.ConntrackMark, in key);
        Add(match, MatchField.ConntrackLabel, in key);
        return match.TryBuild(out var built, out _) ? built : Match.Any;
    }

    private static void Add(MatchBuilder match, MatchField field, in PipelineKey key)
    {
        var value = field.Read(in key);
        if (value != 0) match.Set(field, value);
    }

    private static void CopyCoreTo(this in FlowKey from, ref FlowKey to)
    {
        var source = from;
        source.Bytes[..FlowKey.TunnelOffset].CopyTo(to.Bytes);
    }
}
