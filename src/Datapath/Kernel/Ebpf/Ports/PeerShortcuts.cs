namespace Fabric.Datapath;

/// <summary>Containers that the kernel's programs hand packets to, no queue between.</summary>
/// <remarks>
/// Only where nothing is passed by that somebody set up: the port is a veth end without a queueing
/// discipline, and its other end is in another network namespace. What is not addressed to that
/// end, as broadcasts, goes by the port's device. Without this a packet waits in the backlog of the
/// receiving processor between the two ends.
/// </remarks>
internal sealed class PeerShortcuts(KernelObject kernel, RouteSocket routes, bool isWithout)
{
    /// <summary>A container may change its address, and nobody tells us.</summary>
    private const int RoundsBetweenQuestions = 10;

    private int _round;

    /// <summary>Looks at all ports anew.</summary>
    public void Refresh(IEnumerable<EbpfPort> ports)
    {
        if (isWithout) return;
        var isAsking = _round++ % RoundsBetweenQuestions == 0;
        Dictionary<int, LinkState>? links = null;
        foreach (var port in ports)
        {
            if (port.Spec.Kind != DatapathPortKind.System) continue;
            links ??= routes.Links().ToDictionary(link => link.Index);
            Refresh(port, links.GetValueOrDefault(port.Device), isAsking);
        }
    }

    public void Refresh(EbpfPort port) => Refresh(port, routes.FindLink(port.Device), true);

    private void Refresh(EbpfPort port, LinkState? link, bool isAsking)
    {
        ref var entry = ref kernel.Ports[(int)port.Number];
        var far = isWithout || link is not { Kind: "veth", Queueing: "noqueue" }
            ? null
            : link.ForeignPeer;
        if (far is not { } end)
        {
            Volatile.Write(ref entry.IsPeer, 0);
            return;
        }

        if (entry.IsPeer != 0 && !isAsking) return;
        var address = routes.FindLink(end.Index, end.Namespace)?.Mac ?? default;
        if (entry.IsPeer != 0 && entry.PeerAddress == address) return;
        Volatile.Write(ref entry.IsPeer, 0);
        if (address.IsZero) return;
        entry.PeerAddress = address;
        Volatile.Write(ref entry.IsPeer, 1);
    }
}
