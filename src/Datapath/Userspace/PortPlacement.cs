using System.Diagnostics;

namespace Fabric.Datapath;

/// <summary>Which packet thread serves which port.</summary>
/// <remarks>
/// While one thread keeps up, it serves all ports: a request and its reply then find it awake.
/// When it does not, ports move, the dearest that helps first, until threads are about equally
/// busy; when all is quiet again they come back. Not safe for several callers at once.
/// </remarks>
internal sealed class PortPlacement(PacketThread[] threads, Action<PacketThread> waitUntilIdle)
{
    private const double BusyAbove = 0.7;
    private const double QuietBelow = 0.3;

    private readonly Dictionary<PacketPort, (PacketThread Thread, long Cost)> _places = [];
    private readonly long[] _busyBefore = new long[threads.Length];
    private long _before = Stopwatch.GetTimestamp();

    public PacketThread? ThreadOf(PacketPort port) =>
        _places.TryGetValue(port, out var place) ? place.Thread : null;

    /// <summary>Numbers of the ports that 'thread' serves, ascending.</summary>
    public IEnumerable<uint> PortsOf(PacketThread thread) => _places
        .Where(place => place.Value.Thread == thread).Select(place => place.Key.Number).Order();

    public void Add(PacketPort port)
    {
        if (threads.Length == 0 || port.Descriptor < 0) return;
        _places[port] = (threads[0], port.CostTicks);
        threads[0].Add(port);
    }

    public void Remove(PacketPort port)
    {
        if (_places.Remove(port, out var place)) place.Thread.Remove(port);
    }

    /// <summary>Looks at what threads and ports cost since last time; moves at most one.</summary>
    public void Balance()
    {
        if (threads.Length < 2) return;
        var now = Stopwatch.GetTimestamp();
        var elapsed = Math.Max(1, now - _before);
        _before = now;
        var busy = new double[threads.Length];
        for (var i = 0; i < threads.Length; i++)
        {
            var ticks = threads[i].BusyTicks;
            busy[i] = (double)(ticks - _busyBefore[i]) / elapsed;
            _busyBefore[i] = ticks;
        }

        var (hot, cold) = (Array.IndexOf(busy, busy.Max()), Array.IndexOf(busy, busy.Min()));
        var costs = new Dictionary<PacketPort, double>();
        foreach (var (port, place) in _places.ToArray())
        {
            var cost = port.CostTicks;
            costs[port] = (double)Math.Max(0, cost - place.Cost) / elapsed;
            _places[port] = (place.Thread, cost);
        }

        if (busy.Sum() < QuietBelow) Gather();
        else if (busy[hot] > BusyAbove) Spread(hot, cold, busy, costs);
    }

    private void Gather()
    {
        var away = _places.FirstOrDefault(pair => pair.Value.Thread != threads[0]).Key;
        if (away is not null) Move(away, threads[0]);
    }

    private void Spread(
        int hot, int cold, double[] busy, Dictionary<PacketPort, double> costs)
    {
        // Moving more than half of the difference would only make the other one hot.
        var half = (busy[hot] - busy[cold]) / 2;
        if (half < 0.1) return;
        PacketPort? best = null;
        foreach (var (port, cost) in costs)
        {
            if (_places[port].Thread != threads[hot] || cost <= 0.01) continue;
            if (best is null || Math.Abs(cost - half) < Math.Abs(costs[best] - half)) best = port;
        }

        if (best is not null && costs[best] < busy[hot] - 0.02) Move(best, threads[cold]);
    }

    private void Move(PacketPort port, PacketThread to)
    {
        var from = _places[port].Thread;
        from.Remove(port);
        waitUntilIdle(from);
        _places[port] = (to, port.CostTicks);
        to.Add(port);
    }
}
