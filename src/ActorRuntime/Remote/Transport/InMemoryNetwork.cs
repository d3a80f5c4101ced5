using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// A network inside the process, for whole clusters in one thread on a virtual clock.
/// </summary>
/// <remarks>
/// Frames are delivered as timers of the clock that it is given, so that the same seed gives the
/// same run. Like TCP, a connection keeps the order of its frames and loses none: a lost frame is
/// sent again, which takes time; what cannot get through for long breaks the connection. Give each
/// system <see cref="TransportAt"/> as the transport of its runtime set-up.
/// </remarks>
internal sealed class InMemoryNetwork(TimeProvider time, Random random)
{
    private readonly Random _random = random;
    private readonly SortedDictionary<Address, Endpoint> _endpoints =
        new(Cluster.AddressOrdering.Instance);
    private readonly HashSet<(string From, string To)> _blocked = [];

    /// <summary>By the host that sends on them: in a large cluster there are a million.</summary>
    private readonly Dictionary<string, HashSet<Pipe>> _pipes = new(StringComparer.Ordinal);
    private long _pipeCount;
    private int _nextPort = 20_000;

    /// <summary>Least time that a frame takes.</summary>
    public TimeSpan DelayMin { get; set; } = TimeSpan.FromMilliseconds(0.2);

    /// <summary>Most time that a frame takes that is not lost.</summary>
    public TimeSpan DelayMax { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Share of frames that are lost and sent again, 0 to 1.</summary>
    public double LossRatio { get; set; }

    /// <summary>Until a lost frame is sent again.</summary>
    public TimeSpan RetransmitAfter { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>A connection that gets nothing through for so long is broken.</summary>
    public TimeSpan BreakAfter { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Frames delivered so far.</summary>
    public long FrameCount { get; private set; }

    /// <summary>Sees every delivered frame: for traces and byte counts.</summary>
    public Action<Address, Address, ReadOnlyMemory<byte>>? Delivered { get; set; }

    /// <param name="host">The hostname in the system's configuration.</param>
    /// <param name="port">Zero: one that is free.</param>
    /// <param name="systemName">The actor system's name.</param>
    public IRemoteTransport TransportAt(string host, int port, string systemName) =>
        new Endpoint(this, new Address(
            "akka.tcp", systemName, host, port == 0 ? _nextPort++ : port));

    /// <summary>Nothing gets from one host to the other any more, in this direction.</summary>
    public void Block(string fromHost, string toHost) => _blocked.Add((fromHost, toHost));

    public void Unblock(string fromHost, string toHost) => _blocked.Remove((fromHost, toHost));

    /// <summary>Removes all blocks.</summary>
    public void Heal() => _blocked.Clear();

    /// <summary>A host dies: its connections end, its endpoint is gone.</summary>
    public void Kill(string host)
    {
        foreach (var address in _endpoints.Keys.Where(a => a.Host == host).ToList())
        {
            _endpoints.Remove(address);
        }

        // Each connection has an end that sends from there.
        foreach (var pipe in PipesOf(host).OrderBy(pipe => pipe.Number).ToList())
            pipe.Break("the host died");
    }

    private HashSet<Pipe> PipesOf(string host)
    {
        if (!_pipes.TryGetValue(host, out var pipes)) _pipes[host] = pipes = [];
        return pipes;
    }

    private bool IsBlocked(Address from, Address to) =>
        _blocked.Contains((from.Host!, to.Host!));

    private TimeSpan NextDelay() =>
        DelayMin + (DelayMax - DelayMin) * _random.NextDouble();

    private void After(TimeSpan delay, Action action)
    {
        ITimer? timer = null;
        timer = time.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                action();
            },
            null, delay, Timeout.InfiniteTimeSpan);
    }

    private sealed class Endpoint(InMemoryNetwork network, Address address) : IRemoteTransport
    {
        private Action<IRemoteConnection>? _accepted;

        public int Listen(Action<IRemoteConnection> accepted)
        {
            _accepted = accepted;
            if (!network._endpoints.TryAdd(address, this))
            {
                throw new RemoteTransportException($"Address already in use: {address}");
            }

            return address.Port!.Value;
        }

        public void Connect(
            Address remote, Action<IRemoteConnection> connected, Action<Exception> failed)
        {
            var roundTrip = network.NextDelay() + network.NextDelay();
            network.After(roundTrip, () =>
            {
                var isReachable = network._endpoints.TryGetValue(remote, out var peer)
                    && network._endpoints.GetValueOrDefault(address) == this
                    && !network.IsBlocked(address, remote) && !network.IsBlocked(remote, address);
                if (!isReachable)
                {
                    failed(new RemoteTransportException($"Cannot connect to {remote}"));
                    return;
                }

                var (near, far) = Pipe.Pair(network, address, remote);
                peer!._accepted!(far);
                connected(near);
            });
        }

        public void Shutdown()
        {
            if (network._endpoints.GetValueOrDefault(address) == this)
            {
                network._endpoints.Remove(address);
            }
        }
    }

    /// <summary>One end of a connection: it sends from 'From' to 'To'.</summary>
    private sealed class Pipe(InMemoryNetwork network, Address from, Address to) : IRemoteConnection
    {
        private readonly Queue<byte[]> _unread = new();
        private Pipe _other = null!;
        private FrameHandler? _received;
        private Action<string>? _closed;
        private DateTimeOffset _free;
        private bool _isClosed;
        private bool _isStuck;

        public long Number { get; } = ++network._pipeCount;

        public Address From => from;
        public Address To => to;
        public string PeerName => to.ToString();
        public PeerIdentity Identity => PeerIdentity.Unknown;

        public static (Pipe Near, Pipe Far) Pair(
            InMemoryNetwork network, Address near, Address far)
        {
            var pair = (new Pipe(network, near, far), new Pipe(network, far, near));
            pair.Item1._other = pair.Item2;
            pair.Item2._other = pair.Item1;
            foreach (var pipe in new[] { pair.Item1, pair.Item2 })
                network.PipesOf(pipe.From.Host!).Add(pipe);
            return pair;
        }

        public void Start(FrameHandler received, Action<string> closed)
        {
            _received = received;
            _closed = closed;
            while (_unread.TryDequeue(out var frame)) received(frame);
        }

        public bool TrySend(byte[] frame)
        {
            if (_isClosed) return false;
            var delay = network.NextDelay();
            while (network._random.NextDouble() < network.LossRatio)
            {
                delay += network.RetransmitAfter;
                if (delay < network.BreakAfter) continue;
                network.After(delay, () => Break("too many frames were lost"));
                return true;
            }

            // Frames of one connection do not overtake each other.
            var due = network.Now + delay;
            if (due <= _free) due = _free + TimeSpan.FromTicks(1);
            _free = due;
            network.After(due - network.Now, () => Deliver(frame));
            return true;
        }

        public void Close(string reason)
        {
            var due = _free > network.Now ? _free - network.Now : TimeSpan.Zero;
            network.After(due + TimeSpan.FromTicks(2), () => Break(reason));
        }

        public void Break(string reason)
        {
            End(reason);
            _other.End(reason);
        }

        private void End(string reason)
        {
            if (_isClosed) return;
            _isClosed = true;
            network.PipesOf(from.Host!).Remove(this);
            _closed?.Invoke(reason);
        }

        private void Deliver(byte[] frame)
        {
            if (_isClosed || _other._isClosed || _isStuck) return;
            if (network.IsBlocked(from, to))
            {
                // Held back, like everything after it, until the connection is given up.
                if (!_isStuck) network.After(network.BreakAfter, () =>
                    Break("nothing gets through"));
                _isStuck = true;
                return;
            }

            network.FrameCount++;
            network.Delivered?.Invoke(from, to, frame);
            if (_other._received is { } received) received(frame);
            else _other._unread.Enqueue(frame);
        }
    }

    private DateTimeOffset Now => DateTimeOffset.UnixEpoch + time.GetElapsedTime(0);
}
