using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>
/// Timeout policies by name and by number in the kernel's table; 0 is the default.
/// </summary>
internal sealed class ConntrackPolicies
{
    private readonly Lock _lock = new();
    private readonly KernelObject _kernel;
    private readonly Dictionary<string, ushort> _numbers = new(StringComparer.Ordinal);
    private ushort _next = 1;

    public ConntrackPolicies(KernelObject kernel)
    {
        _kernel = kernel;
        Write(0, ConntrackTimeouts.Default);
    }

    /// <summary>The policy's number; one that nobody has set yet is the default's equal.</summary>
    public ushort NumberOf(string name)
    {
        lock (_lock)
        {
            if (_numbers.TryGetValue(name, out var number)) return number;
            if (_next >= _kernel.Policies.Count) return 0;
            number = _next++;
            _numbers.Add(name, number);
            Write(number, ConntrackTimeouts.Default);
            return number;
        }
    }

    public ushort Set(string name, ImmutableSortedDictionary<string, uint> secondsByState)
    {
        var number = NumberOf(name);
        if (number != 0) Write(number, ConntrackTimeouts.Default.With(secondsByState));
        return number;
    }

    private void Write(ushort number, ConntrackTimeouts timeouts)
    {
        ref var policy = ref _kernel.Policies[number];
        ReadOnlySpan<uint> seconds =
        [
            timeouts.TcpSynSent, timeouts.TcpSynReceived, timeouts.TcpEstablished,
            timeouts.TcpFinWait, timeouts.TcpTimeWait, timeouts.TcpClose, timeouts.UdpFirst,
            timeouts.UdpSingle, timeouts.UdpMultiple, timeouts.IcmpFirst, timeouts.IcmpReply,
        ];
        for (var i = 0; i < seconds.Length; i++) policy[i] = seconds[i];
    }
}
