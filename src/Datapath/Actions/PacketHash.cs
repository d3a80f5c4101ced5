using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Hashes that choose between paths: the same on every host, for every restart.</summary>
internal static class PacketHash
{
    public static uint Of(ref FlowKey key, HashAction action) =>
        action.Algorithm == HashAlgorithm.SymmetricL4
            ? Symmetric(ref key, action.Basis)
            : FiveTuple(ref key, action.Basis);

    /// <summary>Over addresses, protocol and ports; never 0, which means "not hashed".</summary>
    public static uint FiveTuple(ref FlowKey key, uint basis)
    {
        ref var words = ref Unsafe.As<FlowKey, ulong>(ref key);
        ulong hash = basis;
        if (key.IsIpv6)
        {
            for (var i = 20; i < 24; i++) hash = Mix(hash, Unsafe.Add(ref words, i));
        }
        else
        {
            hash = Mix(hash, Unsafe.Add(ref words, 19));
        }

        hash = Mix(hash, key.NetworkProtocol);
        if (HasPorts(key)) hash = Mix(hash, Ports(ref key));
        return NotZero(hash);
    }

    /// <summary>The same for both directions of a conversation.</summary>
    public static uint Symmetric(ref FlowKey key, uint basis)
    {
        ref var words = ref Unsafe.As<FlowKey, ulong>(ref key);
        ulong hash = basis;
        hash = Mix(hash, key.EthernetSource.ToUInt64() ^ key.EthernetDestination.ToUInt64());
        hash = Mix(hash, key.EthernetTypeWire);
        if (key.IsIpv4)
        {
            hash = Mix(hash, key.Ipv4SourceWire ^ key.Ipv4DestinationWire);
        }
        else if (key.IsIpv6)
        {
            hash = Mix(hash, Unsafe.Add(ref words, 20) ^ Unsafe.Add(ref words, 22));
            hash = Mix(hash, Unsafe.Add(ref words, 21) ^ Unsafe.Add(ref words, 23));
        }

        hash = Mix(hash, key.NetworkProtocol);
        if (HasPorts(key))
        {
            hash = Mix(hash, (uint)(key.PortSourceWire ^ key.PortDestinationWire));
        }

        return NotZero(hash);
    }

    private static bool HasPorts(in FlowKey key) =>
        key.NetworkFragment == 0
        && key.NetworkProtocol is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp;

    private static uint Ports(ref FlowKey key) =>
        key.PortSourceWire | ((uint)key.PortDestinationWire << 16);

    private static ulong Mix(ulong hash, ulong value)
    {
        var high = Math.BigMul(
            hash ^ 0x9E37_79B9_7F4A_7C15, value ^ 0xD6E8_FEB8_6659_FD93, out var low);
        return high ^ low;
    }

    private static uint NotZero(ulong hash)
    {
        var folded = (uint)(hash ^ (hash >> 32));
        return folded == 0 ? 1 : folded;
    }
}
