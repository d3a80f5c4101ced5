namespace Fabric.Datapath;

/// <summary>One thread that waits for its ports' packets and runs them in batches.</summary>
/// <remarks>
/// Sleeps in the kernel while nothing comes. Between batches its context's epoch is even: whoever
/// takes a port away waits for that before closing it.
/// </remarks>
internal sealed class PacketThread : IDisposable
{
    private const ulong WakeTag = ulong.MaxValue;

    private readonly PacketContext _context;
    private readonly Thread _thread;
    private readonly int _poll;
    private readonly int _wake;
    private volatile bool _isStopping;
    private int _portCount;

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

    /// <summary>The caller is this thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    public int PortCount => Volatile.Read(ref _portCount);

    public void Add(PacketPort port)
    {
        if (port.Descriptor < 0) return;
        Libc.PollAdd(_poll, port.Descriptor, port.Number);
        Interlocked.Increment(ref _portCount);
    }

    public void Remove(PacketPort port)
    {
        if (port.Descriptor < 0) return;
        Libc.PollRemove(_poll, port.Descriptor);
        Interlocked.Decrement(ref _portCount);
    }

    private void Loop()
    {
        Span<ulong> tags = stackalloc ulong[64];
        while (!_isStopping)
        {
            var count = Libc.PollWait(_poll, tags, milliseconds: 1000);
            if (count == 0) continue;

            _context.Enter();
            foreach (var tag in tags[..count])
            {
                if (tag == WakeTag) Drain();
                else if (_context.Core.Ports[(uint)tag] is { } port) TryServe(port);
            }

            _context.Leave();
        }
    }

    /// <summary>
    /// A fault in the upcall handler costs its batch, not the host, as long as somebody is told.
    /// </summary>
    private void TryServe(PacketPort port)
    {
        try
        {
            Serve(port);
        }
        catch (Exception fault) when (_context.Core.Faulted is not null)
        {
            _context.Drops.Add(Wire.DropReason.TranslationError);
            _context.Flush();
            _context.Core.Faulted(fault);
        }
    }

    private void Serve(PacketPort port)
    {
        do
        {
            var received = port.Receive(_context.Batch);
            if (received > 0) _context.Process(port, received);
        }
        while (port.HasMore);
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
