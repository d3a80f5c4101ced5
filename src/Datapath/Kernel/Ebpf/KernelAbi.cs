using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>driver/include/fabric_kernel.h in C#: a test compares the two.</summary>
internal static class KernelAbi
{
    public const uint Version = 4;

    /// <summary>
    /// Since this version connections are what they are now: maps of a version from here on can be
    /// read for them. A change of KernelConnection or KernelTuple raises this.
    /// </summary>
    public const uint ConnectionsSince = 3;
    public const int BandsMax = 4;
    public const int KeySize = 216;
    public const int KeyWords = KeySize / 8;
    public const int StepsMax = 8;
    public const int MasksMax = 256;
    public const int OrderMax = 124;
    public const int Orders = 8;
    public const int Executions = 64;
    public const int PortsMax = 65536;
    public const int CounterCpus = 8;
    public const int CounterCount = 128;
    public const int CounterFirstDrop = 16;
    public const int TunnelOptionsMax = 64;
    public const int TimeoutCount = 16;
}

internal enum StepKind : byte
{
    End, Output, Clone, Continue, Userspace, Slow, Drop, Recirculate, Conntrack, ConntrackClear,
    Tunnel, PushVlan, PopVlan, SetLink, SetNetwork, SetAddress, SetTos, SetTtl, DecrementTtl,
    SetPorts, SetIcmp, SetMark, SetPriority, Sample, Length, Meter, Hash,
}

/// <summary>struct fabric_step.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct KernelStep
{
    public StepKind Kind;
    public byte A;
    public ushort B;
    public uint C;
    public ulong Value;
    public ulong Mask;
}

[InlineArray(KernelAbi.StepsMax)]
internal struct KernelSteps
{
    private KernelStep _first;
}

/// <summary>struct fabric_row.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelRow
{
    public uint Generation;
    public uint Unused;
    public KernelSteps Steps;
}

/// <summary>struct fabric_statistics.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelStatistics
{
    public ulong Packets;
    public ulong Bytes;
    public ulong UsedNanoseconds;
    public ulong TcpFlags;
}

/// <summary>struct fabric_flow_key as its words.</summary>
[InlineArray(KernelAbi.KeyWords)]
internal struct KernelKeyWords
{
    private ulong _first;
}

[InlineArray(32)]
internal struct KernelMaskIndices
{
    private byte _first;
}

[InlineArray(KernelAbi.KeyWords + 1)]
internal struct KernelMaskWords
{
    private ulong _first;
}

/// <summary>struct fabric_mask.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelMask
{
    public uint Count;
    public uint Unused;
    public ulong Hits;
    public KernelMaskIndices Index;
    public KernelMaskWords Word;
}

[InlineArray(KernelAbi.OrderMax)]
internal struct KernelOrderMasks
{
    private ushort _first;
}

/// <summary>struct fabric_order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelOrder
{
    public uint Count;
    public uint Unused;
    public KernelOrderMasks Mask;
}

/// <summary>struct fabric_megaflow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelMegaflow
{
    public uint Row;
    public uint Mask;
    public KernelKeyWords Word;
}

internal enum KernelPortKind : byte { None, Device, Geneve, Vxlan, Gre, Slow }

/// <summary>struct fabric_port.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelPort
{
    public uint Device;
    public KernelPortKind Kind;
    public byte IsPeer;
    public ushort TunnelPortWire;
    public ulong RxPackets;
    public ulong RxBytes;
    public ulong TxPackets;
    public ulong TxBytes;
    public uint UpcallsSent;
    public uint UpcallsDone;
    public MacBytes PeerAddress;
    public ushort Unused;
}

/// <summary>struct fabric_device_port.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelDevicePort
{
    public uint Device;
    public uint Port;
}

[InlineArray(KernelAbi.TunnelOptionsMax)]
internal struct KernelTunnelOptions
{
    private byte _first;
}

/// <summary>struct fabric_tunnel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTunnel
{
    public ulong IdWire;
    public Ipv6Bytes Source;
    public Ipv6Bytes Destination;
    public ushort FlagsWire;
    public ushort PortSourceWire;
    public ushort PortDestinationWire;
    public byte Tos;
    public byte Ttl;
    public byte IsIpv6;
    public byte OptionsSize;
    public ushort Unused;
    public uint Device;
    public uint Mtu;
    public uint IsViaGateway;
    public Ipv6Bytes Gateway;
    public Ipv6Bytes RouteSource;
    public uint UnusedToo;
    public KernelTunnelOptions Options;
}

/// <summary>struct fabric_tuple.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTuple
{
    public Ipv6Bytes Source;
    public Ipv6Bytes Destination;
    public ushort PortSourceWire;
    public ushort PortDestinationWire;
    public ushort Zone;
    public byte Protocol;
    public byte IcmpType;
}

[Flags]
internal enum ConntrackFlags : ushort
{
    None = 0, Commit = 1, Force = 2, Random = 4, Persistent = 8, Hash = 16, Ftp = 32, Tftp = 64,
}

/// <summary>enum fabric_helper.</summary>
internal enum KernelHelper : byte { None, Ftp, Tftp }

/// <summary>struct fabric_conntrack_spec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelConntrackSpec
{
    public ushort Zone;
    public ConntrackFlags Flags;
    public byte Nat; // A NatType, or 3: none asked for.
    public byte HasAddress;
    public ushort Policy;
    public ushort PortMin;
    public ushort PortMax;
    public uint MarkWire;
    public uint MarkMaskWire;
    public uint AddressCount;
    public Ipv6Bytes LabelWire;
    public Ipv6Bytes LabelMaskWire;
    public Ipv6Bytes AddressMin;
}

/// <summary>struct fabric_policy.</summary>
[InlineArray(KernelAbi.TimeoutCount)]
internal struct KernelPolicy
{
    private uint _first;
}

/// <summary>struct fabric_zone.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelZone
{
    public uint Count;
    public uint Limit;
    public uint Policy;
    public ushort HasLimit;
    public ushort Epoch;
}

/// <summary>struct fabric_settings.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelSettings
{
    public uint ConntrackCount;
    public uint ConntrackMax;
    public uint ZoneLimit;
    public uint IsWindowUnchecked;
    public uint HasEventListener;
    public uint InjectDevice;
    public uint UpcallsPerPort;
    public uint Incarnation;
    public uint Abi;
    public uint Expectations;
    public ulong Random;
    public uint RowsBegun;
    public uint IsDecapPlain;
}

[InlineArray(KernelAbi.CounterCount)]
internal struct KernelCounters
{
    private ulong _first;
}

/// <summary>struct fabric_execution.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelExecution
{
    public KernelKeyWords Key;
    public uint Row;
    public uint Tunnel;
    public uint Passes;
    public uint IsLookup;
}

internal enum KernelUpcallKind : uint { Miss, Action, Slow, Tunnel }

/// <summary>struct fabric_upcall.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelUpcall
{
    public KernelUpcallKind Kind;
    public uint Number;
    public uint Size;
    public uint Captured;
    public uint SegmentSize;
    public uint Tunnel;
    public ushort VlanTpidWire;
    public ushort VlanTci;
    public uint Passes;
    public ulong Time;
    public KernelKeyWords Key;
}

/// <summary>struct fabric_band.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelBand
{
    public ulong Tokens;
    public ulong Size;
    public ulong Packets;
    public ulong Bytes;
    public uint Rate;
    public uint Remark;
}

[InlineArray(KernelAbi.BandsMax)]
internal struct KernelBands
{
    private KernelBand _first;
}

/// <summary>struct fabric_meter.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelMeter
{
    public uint Lock;
    public ushort Count;
    public ushort IsPackets;
    public ulong FilledAt;
    public ulong Packets;
    public ulong Bytes;
    public KernelBands Bands;
}

/// <summary>struct fabric_tcp_peer; the states' numbers are TcpState's.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTcpPeer
{
    public uint SentEnd;
    public uint AllowedEnd;
    public ushort WindowMax;
    public byte Scale;
    public TcpState State;
}

/// <summary>struct fabric_connection.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelConnection
{
    public uint Lock;
    public uint MarkWire;
    public ulong Expires;
    public ulong Started;
    public Ipv6Bytes LabelWire;
    public KernelTuple Original;
    public KernelTuple Reply;
    public KernelTcpPeer OriginalPeer;
    public KernelTcpPeer ReplyPeer;
    public ulong PacketsOriginal;
    public ulong PacketsReply;
    public ulong BytesOriginal;
    public ulong BytesReply;
    public byte Nat;
    public byte Generic;
    public ushort Policy;
    public KernelHelper Helper;
    public byte IsRelated;
    public byte IsLiberal;
    public byte LimitEpoch;
}

/// <summary>struct fabric_expectation.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelExpectation
{
    public KernelTuple Control;
    public KernelTuple Reply;
    public ulong Expires;
    public uint Nat;
    public uint Unused;
}

/// <summary>struct fabric_channel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct KernelChannel
{
    public ulong Started;
    public SequenceShift Original;
    public SequenceShift Reply;
}

/// <summary>struct fabric_event.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelConntrackEvent
{
    public ConntrackChange Kind;
    private readonly byte _unused0;
    private readonly ushort _unused1;
    private readonly uint _unused2;
    public KernelTuple Original;
    public KernelTuple Reply;
    public uint MarkWire;
    public Ipv6Bytes LabelWire;
    public TcpState OriginalState;
    public TcpState ReplyState;
    private readonly ushort _unused3;
    public ulong PacketsOriginal;
    public ulong PacketsReply;
    public ulong BytesOriginal;
    public ulong BytesReply;
    public ulong Started;
    public ulong Expires;
}
