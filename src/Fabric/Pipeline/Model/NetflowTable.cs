namespace Fabric.Pipeline;

/// <summary>What NetFlow v5 tells flows apart by; host byte order.</summary>
/// <param name="InPort">OpenFlow 1.0's 16 bits.</param>
public readonly record struct NetflowKey(
    ushort InPort, uint Source, uint Destination, byte Protocol, byte Tos, ushort SourcePort,
    ushort DestinationPort);

/// <summary>What came of one flow; monotonic milliseconds.</summary>
/// <param name="Output">A port of OpenFlow 1.0, or what <see cref="NetflowTable"/> names.</param>
public sealed record NetflowFlow(
    NetflowKey Key, ushort Output, ulong Packets, ulong Bytes, long First, long Last,
    byte TcpFlags);

/// <summary>Where a megaflow's packets count.</summary>
public sealed record NetflowCredit(
    NetflowTable Table, NetflowKey Key, ushort Output, byte TcpFlags)
{
    public void Add(ulong packets, ulong bytes, long used) =>
        Table.Count(this, packets, bytes, used);

    public void See(byte tcpFlags) => Table.See(Key, tcpFlags);
}

/// <summary>The IPv4 flows of one bridge that NetFlow tells of. Any thread.</summary>
public sealed class NetflowTable
{
    /// <summary>Outputs that are no port, as ovs-vswitchd names them.</summary>
    public const ushort Flooded = 0xFFFF, Several = 0xFFFE, Dropped = 0xFFFD;

    /// <summary>More flows than any collector is told of a second are not kept.</summary>
    private const int CountMax = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<NetflowKey, NetflowFlow> _flows = [];
    private readonly List<NetflowFlow> _ended = [];

    /// <summary>Packets of a flow; leaving by another port it is another flow.</summary>
    public void Count(NetflowCredit credit, ulong packets, ulong bytes, long used)
    {
        lock (_gate)
        {
            var output = credit.Output;
            if (_flows.TryGetValue(credit.Key, out var flow))
            {
                if (output == Dropped) output = flow.Output;
                if (flow.Output != output)
                {
                    if (_ended.Count < CountMax) _ended.Add(flow);
                    flow = null;
                }
            }
            else if (_flows.Count >= CountMax)
            {
                return;
            }

            flow ??= new NetflowFlow(credit.Key, output, 0, 0, used, used, 0);
            _flows[credit.Key] = flow with
            {
                Packets = flow.Packets + packets,
                Bytes = flow.Bytes + bytes,
                Last = Math.Max(flow.Last, used),
                TcpFlags = (byte)(flow.TcpFlags | credit.TcpFlags),
            };
        }
    }

    /// <summary>The datapath has seen these TCP flags.</summary>
    public void See(NetflowKey key, byte tcpFlags)
    {
        if (tcpFlags == 0) return;
        lock (_gate)
        {
            if (!_flows.TryGetValue(key, out var flow)) return;
            if ((flow.TcpFlags | tcpFlags) == flow.TcpFlags) return;
            _flows[key] = flow with { TcpFlags = (byte)(flow.TcpFlags | tcpFlags) };
        }
    }

    /// <summary>Flows that have ended, and those that have lasted long enough to be told.</summary>
    /// <param name="idle">Milliseconds without a packet after which a flow has ended.</param>
    /// <param name="active">Milliseconds after which one that goes on is told; null: never.</param>
    public List<NetflowFlow> TakeDone(long now, long idle, long? active)
    {
        lock (_gate)
        {
            var done = new List<NetflowFlow>(_ended);
            _ended.Clear();
            foreach (var (key, flow) in _flows)
            {
                if (now - flow.Last < idle && !(flow.Last - flow.First >= active)) continue;
                done.Add(flow);
                _flows.Remove(key);
            }

            return done;
        }
    }
}
