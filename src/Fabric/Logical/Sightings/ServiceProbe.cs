using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>One backend that is probed: time and answers in, packets and a verdict out.</summary>
/// <remarks>
/// TCP: a SYN; SYN and ACK is an answer (and reset), RST a refusal, silence a failure. UDP: an
/// empty datagram; an ICMP error is a refusal, silence and anything else an answer. As
/// ovn-controller does.
/// </remarks>
internal sealed class ServiceProbe
{
    private const ushort Synchronize = 2, Reset = 4, Acknowledge = 16;
    private const byte HopsMax = 64;

    private readonly ushort _sourcePort;
    private uint _sequence;
    private int _successes;
    private int _failures;
    private TimeSpan _sentAt;
    private bool _isWaiting;

    /// <param name="sourcePort">Of all its packets.</param>
    /// <param name="sequence">Where TCP begins to count.</param>
    public ServiceProbe(ServiceCheck check, ushort sourcePort, uint sequence, TimeSpan now)
    {
        Check = check;
        _sourcePort = sourcePort;
        _sequence = sequence;
        Deadline = now;
    }

    public ServiceCheck Check { get; private set; }

    /// <summary>Null: nothing is known yet.</summary>
    public bool? IsOnline { get; private set; }

    /// <summary>When <see cref="Advance"/> has something to do next.</summary>
    public TimeSpan Deadline { get; private set; }

    private bool IsUdp => Check.Service.Protocol == IpProtocol.Udp;

    public void Configure(ServiceCheck check) => Check = check;

    /// <returns>The packet that is to be sent now, or null.</returns>
    public byte[]? Advance(TimeSpan now)
    {
        if (now < Deadline) return null;
        if (_isWaiting)
        {
            Judge(IsUdp); // Silence.
            return null;
        }

        _isWaiting = true;
        _sentAt = now;
        _sequence += 1000;
        Deadline = now + Check.Settings.Timeout;
        var key = Header();
        if (IsUdp) return PacketAnswers.Udp(in key, []);
        key.TcpFlags = Synchronize;
        return PacketAnswers.TcpSegment(in key, _sequence, 0);
    }

    /// <summary>A packet of the backend to the probing address.</summary>
    /// <returns>The packet that ends the connection, or null.</returns>
    public byte[]? Hear(PuntedPacket answer)
    {
        if (!_isWaiting) return null;
        ref readonly var packet = ref answer.KeyRef;
        if (packet.NetworkProtocol is IpProtocol.Icmp or IpProtocol.Icmpv6)
        {
            if (IsRefusal(in packet)) Judge(isAnswered: false);
            return null;
        }

        if (packet.NetworkProtocol != Check.Service.Protocol
            || packet.PortSource != Check.Service.Port || packet.PortDestination != _sourcePort)
        {
            return null;
        }

        if (IsUdp)
        {
            Judge(isAnswered: true);
            return null;
        }

        if ((packet.TcpFlags & Reset) != 0) Judge(isAnswered: false);
        if ((packet.TcpFlags & (Synchronize | Acknowledge)) != (Synchronize | Acknowledge))
            return null;
        Judge(isAnswered: true);
        var key = Header();
        key.TcpFlags = Reset;
        return PacketAnswers.TcpSegment(in key, _sequence + 1, 0);
    }

    /// <summary>Destination unreachable (RFC 792, RFC 4443 3.1).</summary>
    private static bool IsRefusal(in FlowKey packet) =>
        packet.NetworkProtocol == IpProtocol.Icmp ? packet.PortSource == 3 : packet.PortSource == 1;

    private void Judge(bool isAnswered)
    {
        _isWaiting = false;
        Deadline = _sentAt + (Check.Settings.Interval > Check.Settings.Timeout
            ? Check.Settings.Interval
            : Check.Settings.Timeout);
        if (isAnswered)
        {
            _failures = 0;
            if (++_successes >= Check.Settings.SuccessCount) IsOnline = true;
        }
        else
        {
            _successes = 0;
            if (++_failures >= Check.Settings.FailureCount) IsOnline = false;
        }
    }

    private FlowKey Header()
    {
        var (service, source) = (Check.Service, Check.Source);
        var key = new FlowKey
        {
            EthernetSource = Check.ProbeMac,
            EthernetDestination = Check.BackendMac,
            EthernetType = service.Address.IsIpv6 ? EtherType.Ipv6 : EtherType.Ipv4,
            NetworkProtocol = service.Protocol,
            NetworkTtl = HopsMax,
            PortSource = _sourcePort,
            PortDestination = service.Port,
        };
        if (service.Address.IsIpv6)
        {
            key.Ipv6Source = Ipv6Bytes.From(source.ToAddress());
            key.Ipv6Destination = Ipv6Bytes.From(service.Address.ToAddress());
        }
        else
        {
            (key.Ipv4Source, key.Ipv4Destination) =
                ((uint)source.Address, (uint)service.Address.Address);
        }

        return key;
    }
}
