using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire.Control;

/// <summary>State of a BFD session, RFC 5880 section 4.1.</summary>
public enum BfdState : byte
{
    AdminDown = 0,
    Down = 1,
    Init = 2,
    Up = 3,
}

/// <summary>Why a session went down, RFC 5880 section 4.1.</summary>
public enum BfdDiagnostic : byte
{
    None = 0,
    ControlDetectionTimeExpired = 1,
    EchoFunctionFailed = 2,
    NeighborSignaledSessionDown = 3,
    ForwardingPlaneReset = 4,
    PathDown = 5,
    ConcatenatedPathDown = 6,
    AdministrativelyDown = 7,
    ReverseConcatenatedPathDown = 8,
}

/// <summary>A BFD control packet, RFC 5880 section 4.1: what follows the UDP header.</summary>
/// <remarks><code>
/// |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
/// |                       My Discriminator                        |
/// |                      Your Discriminator                       |
/// |                    Desired Min TX Interval                    |
/// |                   Required Min RX Interval                    |
/// |                 Required Min Echo RX Interval                 |
/// </code>
/// Intervals are in microseconds. Authentication is not supported: such packets are refused.
/// </remarks>
public readonly record struct BfdControlPacket
{
    public const int Size = 24;

    /// <summary>The UDP port of single-hop sessions, RFC 5881 section 4.</summary>
    public const ushort UdpPort = 3784;

    public BfdDiagnostic Diagnostic { get; init; }
    public BfdState State { get; init; }
    public bool IsPoll { get; init; }
    public bool IsFinal { get; init; }
    public bool IsControlPlaneIndependent { get; init; }
    public bool IsDemand { get; init; }
    public byte DetectMultiplier { get; init; }
    public uint MyDiscriminator { get; init; }
    public uint YourDiscriminator { get; init; }

    /// <summary>Microseconds, without jitter.</summary>
    public uint DesiredMinTx { get; init; }

    /// <summary>Microseconds; 0 asks for no periodic packets.</summary>
    public uint RequiredMinRx { get; init; }

    /// <summary>Microseconds; 0 when echo is not supported.</summary>
    public uint RequiredMinEchoRx { get; init; }

    /// <summary>Reads a packet and applies the discard rules of RFC 5880 section 6.8.6.</summary>
    /// <param name="bytes">The UDP payload; bytes after the packet's length are ignored.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out BfdControlPacket packet, out DropReason reason)
    {
        packet = default;
        reason = DropReason.BfdMalformed;
        if (bytes.Length < Size || bytes[0] >> 5 != 1) return false;
        const int authenticationOrMultipoint = 0x05;
        if ((bytes[1] & authenticationOrMultipoint) != 0) return false;
        if (bytes[3] < Size || bytes[3] > bytes.Length || bytes[2] == 0) return false;
        packet = new BfdControlPacket
        {
            Diagnostic = (BfdDiagnostic)(bytes[0] & 0x1F),
            State = (BfdState)(bytes[1] >> 6),
            IsPoll = (bytes[1] & 0x20) != 0,
            IsFinal = (bytes[1] & 0x10) != 0,
            IsControlPlaneIndependent = (bytes[1] & 0x08) != 0,
            IsDemand = (bytes[1] & 0x02) != 0,
            DetectMultiplier = bytes[2],
            MyDiscriminator = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            YourDiscriminator = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            DesiredMinTx = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]),
            RequiredMinRx = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]),
            RequiredMinEchoRx = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]),
        };
        if (packet.MyDiscriminator == 0) return false;
        if (packet.YourDiscriminator == 0 && packet.State is BfdState.Init or BfdState.Up)
        {
            return false;
        }

        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes the packet into exactly <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        Debug.Assert(bytes.Length == Size);
        bytes[0] = (byte)((1 << 5) | (int)Diagnostic);
        bytes[1] = (byte)(((int)State << 6) | (IsPoll ? 0x20 : 0) | (IsFinal ? 0x10 : 0)
            | (IsControlPlaneIndependent ? 0x08 : 0) | (IsDemand ? 0x02 : 0));
        bytes[2] = DetectMultiplier;
        bytes[3] = Size;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], MyDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], YourDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], DesiredMinTx);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], RequiredMinRx);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[20..], RequiredMinEchoRx);
    }
}
