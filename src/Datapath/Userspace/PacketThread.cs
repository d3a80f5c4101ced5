using System.Diagnostics;

namespace Fabric.Datapath;

/// <summary>One thread that waits for its ports' packets and runs them in batches.</summary>
/// <remarks>
/// Looks a few times more after the last packet, then sleeps in the kernel. Ports that are ready at
/// once share the thread's time, not its batches: one that costs more (misses) waits in its
/// own kernel queue while others are behind. Between batches the context's epoch is even: whoever
/// takes a port away waits for that before closing it.
/// </remarks>
internal sealed class PacketThread : IDisposable
{
    private const ulong WakeTag = ulong.MaxValue;

    /// <summary>Empty looks before sleeping: some tens of microseconds.</summary>
    private const int LooksBeforeSleep = 40;

    /// <summary>How far a port's cost may run ahead of one that waits too.</summary>
    private static readonly long CostAheadMax = Stopwatch.Frequency / 5_000;

    /// <summary>The priority at which OVS's own scripts run ovs-vswitchd.</summary>
    private const int Nice = -10;

    private readonly PacketContext _context;
    private readonly Thread _thread;
    private readonly int _poll;
    private readonly int _wake;
    private volatile bool _isStopping;
    private int _portCount;
    private long _busyTicks;

    public PacketThread(PacketContext context, string name)
    {
        _context = context;
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        _wake = Libc.EventDescriptor(
            0, LinuxNumbers.EventNonBlocking | LinuxNumbers.EventCloseOnExec);
        Libc.PollAdd(_poll, _wake, WakeTag);
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public string Name => _thread.Name!;

    /// <summary>The caller is this thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    public PacketContext Context => _context;

    public int PortCount => Volatile.Read(ref _portCount);

    /// <summary>Time spent with packets since the start, in Stopwatch ticks.</summary>
    public long BusyTicks => Volatile.Read(ref _busyTicks);

    /// <summary>This thread receives from 'port' from now on; nobody does so now.</summary>
    public void Add(PacketPort port)
    {
        if (port.Descriptor < 0) return;
        Interlocked.Increment(ref _portCount);
        port.Owner = this;
        Libc.PollAdd(_poll, port.Descriptor, port.Number);
    }

    /// <summary>The caller waits until the thread can't hold the port any more.</summary>
    public void Remove(PacketPort port)
    {
        if (port.Descriptor < 0) return;
        port.Owner = null;
        Interlocked.MemoryBarrier();
        Libc.PollRemove(_poll, port.Descriptor);
        Interlocked.Decrement(ref _portCount);
    }

    private void Loop()
    {
        Libc.SetPriority(0, 0, Nice); // Without the right to, at the usual one.
        Span<ulong> tags = stackalloc ulong[64];
        var looks = 0;
        while (!_isStopping)
        {
            var count = Libc.PollWait(_poll, tags, looks > 0 ? 0 : 1000);
            if (count == 0)
            {
                if (looks > 0) looks--;
                continue;
            }

            _context.Enter();
            var start = Stopwatch.GetTimestamp();
            ServeAll(tags[..count], start);
            Volatile.Write(ref _busyTicks, _busyTicks + Stopwatch.GetTimestamp() - start);
            _context.Leave();
            looks = LooksBeforeSleep;
        }
    }

    private void ServeAll(ReadOnlySpan<ulong> tags, long now)
    {
        var floor = tags.Length == 1 ? long.MaxValue : LeastCost(tags);
        foreach (var tag in tags)
        {
            if (tag == WakeTag)
            {
                Drain();
                continue;
            }

            if (_context.Core.Ports[(uint)tag] is not { } port || port.Owner != this) continue;
            if (floor != long.MaxValue)
            {
                // One that was quiet for long has no credit for that time.
                if (port.CostTicks < floor) port.CostTicks = floor;
                if (port.CostTicks > floor + CostAheadMax) continue;
            }

            TryServe(port);
            var after = Stopwatch.GetTimestamp();
            port.CostTicks += after - now;
            now = after;
        }
    }

    /// <summary>
    /// The lowest cost among ready ports, but not below what a quiet port may catch up.
    /// </summary>
    private long LeastCost(ReadOnlySpan<ulong> tags)
    {
        long least = long.MaxValue, most = 0;
        foreach (var tag in tags)
        {
            if (tag == WakeTag || _context.Core.Ports[(uint)tag] is not { } port) continue;
            least = Math.Min(least, port.CostTicks);
            most = Math.Max(most, port.CostTicks);
        }

        return least == long.MaxValue ? least : Math.Max(least, most - (4 * CostAheadMax));
    }

    /// <summary>
    /// A fault in the upcall handler costs its batch, not the host, as long as somebody is told.
    /// </summary>
    private void TryServe(PacketPort port)
    {
        try
        {
            do
            {
                var received = port.Receive(_context.Batch);
                if (received > 0) _context.Process(port, received);
            }
            while (port.HasMore);
        }
        catch (Exception fault) when (_context.Core.Faulted is not null)
        {
            _context.Drops.Add(Wire.DropReason.TranslationError);
            _context.Flush();
            _context.Core.Faulted(fault);
        }
    }

    private unsafe void Drain()
    {
        ulong value;
        Libc.Read(_wake, &value, sizeof(ulong));
    }

    public unsafe void Dispose()
    {
        _isStopping = true;
        ulong one = 1;
        Libc.Write(_wake, &one, sizeof(ulong));
        if (Thread.CurrentThread != _thread) _thread.Join();
        Libc.Close(_poll);
        Libc.Close(_wake);
    }
}
