using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Fragments on their way through the connection tracker.</content>
internal sealed partial class ActionExecutor
{
    /// <summary>Holds a fragment; the last one lets all of its datagram go as they came.</summary>
    private void TrackFragment(ref PacketRun run, ConntrackAction action, DatapathAction[] rest)
    {
        var ready = new List<TrackedFragment>();
        var reason = context.Core.Conntrack.Reassembly.Track(
            run.Packet, run.Key, run.Layout, action, context.NowMilliseconds, context.Pool, ready);
        if (reason == DropReason.None) context.Pool.Release(run.Packet);
        else context.Drop(run.Packet, reason);
        foreach (var fragment in ready)
        {
            var key = fragment.Key;
            var branch = new PacketRun
            {
                Packet = fragment.Packet,
                Key = ref key,
                Layout = fragment.Layout,
                Tunnel = run.Tunnel,
                SizeMax = int.MaxValue,
                Depth = run.Depth,
            };
            Run(ref branch, rest);
        }
    }
}
