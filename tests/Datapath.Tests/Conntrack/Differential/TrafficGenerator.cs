using System.Buffers.Binary;
using System.Net;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>Random traffic that is right often enough to get far, and wrong in every way.</summary>
/// <remarks>
/// New connections between few ends, answers to what left, more of the same, segments sent again or
/// beside the window, odd flags, ICMP errors that quote something, bad checksums. One seed, one
/// sequence.
/// </remarks>
internal sealed class TrafficGenerator(int seed)
{
    private const int RememberedMax = 24;

    private readonly Random _random = new(seed);
    private readonly List<byte[]> _remembered = [];
    private readonly Dictionary<(string, int, string, int), uint> _next = [];

    /// <summary>What left the tracker may be answered.</summary>
    public void Remember(byte[] frame)
    {
        if (_remembered.Count >= RememberedMax) _remembered.RemoveAt(_random.Next(RememberedMax));
        _remembered.Add(frame);
    }

    public TrackingPlan NextPlan() =>
        TrackingPlan.All[_random.Next(TrackingPlan.All.Length)];

    public int NextWarp() => _random.Next(60) != 0
        ? 0
        : _random.Next(4) == 0 ? _random.Next(40_000) : _random.Next(5_000);

    public byte[] Next()
    {
        var choice = _random.Next(100);
        byte[] frame;
        if (_remembered.Count == 0 || choice < 20) frame = Fresh();
        else
        {
            var known = _remembered[_random.Next(_remembered.Count)];
            frame = choice < 62 ? Answer(known, isReverse: true)
                : choice < 88 ? Answer(known, isReverse: false)
                : Error(known);
        }

        if (_random.Next(100) == 0) frame[^1] ^= 0x55; // One checksum is wrong now.
        return frame;
    }

    private byte[] Fresh()
    {
        var isIpv6 = _random.Next(3) == 0;
        var source = (isIpv6 ? "fd00::" : "10.0.0.") + _random.Next(1, 4);
        var destination = (isIpv6 ? "fd00::" : "10.0.0.") + _random.Next(5, 7);
        var (from, to) = (1000 + _random.Next(3), _random.Next(2) == 0 ? 80 : 500);
        switch (_random.Next(10))
        {
            case < 6:
                var flags = _random.Next(6) == 0 ? Flags() : "S";
                return Tcp(source, from, destination, to, flags);
            case < 8:
                return TestPacket.Udp(source, from, destination, to, _random.Next(1, 64));
            default:
                // OVS gives up where two clients' identifiers meet behind one address.
                var id = (ushort)((source[^1] * 8) + _random.Next(1, 4));
                var type = isIpv6 ? 128 : _random.Next(8) == 0 ? _random.Next(20) : 8;
                return TestPacket.Icmp(source, destination, (byte)type, 0, id);
        }
    }

    /// <summary>A packet the other way or the same way, with plausible numbers.</summary>
    private byte[] Answer(byte[] known, bool isReverse)
    {
        var (source, destination, protocol, offset) = Read(known);
        if (protocol is 1 or 58)
        {
            var type = known[offset];
            var id = BinaryPrimitives.ReadUInt16BigEndian(known.AsSpan(offset + 4));
            var isEcho = protocol == 1 ? type is 0 or 8 or 13 or 14 : type is 128 or 129;
            if (!isEcho) return Fresh();
            if (isReverse) (source, destination) = (destination, source);
            var answer = ConntrackKey.AnswerOf(protocol, type);
            return TestPacket.Icmp(source, destination, isReverse ? answer : type, 0, id);
        }

        int from = BinaryPrimitives.ReadUInt16BigEndian(known.AsSpan(offset));
        int to = BinaryPrimitives.ReadUInt16BigEndian(known.AsSpan(offset + 2));
        if (isReverse) (source, from, destination, to) = (destination, to, source, from);
        return protocol == 17
            ? TestPacket.Udp(source, from, destination, to, _random.Next(1, 64))
            : Tcp(source, from, destination, to, Flags());
    }

    private string Flags() => _random.Next(20) switch
    {
        < 3 => "S",
        < 7 => "SA",
        < 13 => "A",
        < 15 => "FA",
        15 => "R",
        16 => "RA",
        17 => "PA",
        _ => string.Concat("SAFRP".Where(_ => _random.Next(2) == 0)),
    };

    private byte[] Tcp(string source, int from, string destination, int to, string flags)
    {
        var key = (source, from, destination, to);
        var peer = (destination, to, source, from);
        if (!_next.TryGetValue(key, out var sequence) || flags == "S")
        {
            sequence = (uint)_random.NextInt64(uint.MaxValue);
        }

        var acknowledgement = _next.TryGetValue(peer, out var heard)
            ? heard
            : (uint)_random.NextInt64(uint.MaxValue);
        var payload = flags.Contains('S') ? 0 : _random.Next(3) == 0 ? _random.Next(1, 400) : 0;
        switch (_random.Next(16))
        {
            case 0:
                sequence += (uint)_random.Next(-70_000, 70_000);
                break;
            case 1:
                acknowledgement += (uint)_random.Next(-140_000, 140_000);
                break;
            case 2:
                sequence += (uint)_random.Next(-2, 3);
                break;
            case 3:
                acknowledgement = 0;
                break;
        }

        var end = sequence + (uint)payload;
        if (flags.Contains('S')) end++;
        if (flags.Contains('F')) end++;
        _next[key] = end;
        var window = (ushort)(_random.Next(4) == 0 ? _random.Next(65536) : 29_200);
        var scale = flags.Contains('S') && _random.Next(3) != 0 ? _random.Next(16) : -1;
        return TestPacket.Tcp(source, from, destination, to, flags,
            flags.Contains('A') || _random.Next(2) == 0 ? sequence : sequence,
            flags.Contains('A') ? acknowledgement : 0, window, payload, scale);
    }

    /// <summary>Somebody on the way complains about 'known' to its sender.</summary>
    private byte[] Error(byte[] known)
    {
        var (source, destination, protocol, offset) = Read(known);
        var isIpv6 = source.Contains(':', StringComparison.Ordinal);
        var size = Math.Min(known.Length, offset + (_random.Next(4) == 0 ? 8 : 28)) - 14;
        var quoted = known.AsSpan(14, size).ToArray();
        var router = _random.Next(2) == 0 ? destination : isIpv6 ? "fd00::99" : "10.0.0.99";
        var target = _random.Next(8) == 0 ? (isIpv6 ? "fd00::77" : "10.0.0.77") : source;
        byte type = isIpv6 ? (byte)_random.Next(1, 5) : _random.Next(4) == 0 ? (byte)11 : (byte)3;
        _ = protocol;
        return TestPacket.Icmp(router, target, type, (byte)_random.Next(4), 0, quoted);
    }

    private static (string Source, string Destination, byte Protocol, int Transport) Read(
        byte[] frame)
    {
        var isIpv6 = frame[12] == 0x86;
        return isIpv6
            ? (new IPAddress(frame.AsSpan(22, 16)).ToString(),
                new IPAddress(frame.AsSpan(38, 16)).ToString(), frame[20], 54)
            : (new IPAddress(frame.AsSpan(26, 4)).ToString(),
                new IPAddress(frame.AsSpan(30, 4)).ToString(), frame[23], 34);
    }
}
