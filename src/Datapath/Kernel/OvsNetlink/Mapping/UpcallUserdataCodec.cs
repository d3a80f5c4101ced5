using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>What a userspace action carries through the kernel, unread by it.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |  Magic 0xFB   |     Kind      |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |                   Cookie, 64 bits, host order                 |
/// |                                                               |
/// +---------------------------------------------------------------+
/// |                     Data of the kind ...                      |
/// </code></remarks>
internal static class UpcallUserdataCodec
{
    /// <summary>Not for the handler: this packet's flow is run by the provider.</summary>
    public const byte SlowPathKind = 0xF0;

    private const byte Magic = 0xFB;
    private const int HeaderSize = 12;
    private const int DataSizeMax = 4096;

    public static readonly EquatableArray<byte> SlowPath =
        EquatableArray.Create<byte>([Magic, SlowPathKind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    public static EquatableArray<byte> Encode(UpcallUserdata userdata)
    {
        var data = userdata.Data.IsDefault ? [] : userdata.Data.AsSpan();
        var bytes = new byte[HeaderSize + data.Length];
        bytes[0] = Magic;
        bytes[1] = (byte)userdata.Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(4), userdata.Cookie);
        data.CopyTo(bytes.AsSpan(HeaderSize));
        return EquatableArray.Create<byte>(bytes);
    }

    /// <summary>False for bytes that this program did not write.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes, out bool isSlowPath, out UpcallUserdata userdata)
    {
        isSlowPath = false;
        userdata = null!;
        if (bytes.Length < HeaderSize || bytes[0] != Magic) return false;
        if (bytes.Length > HeaderSize + DataSizeMax) return false;
        isSlowPath = bytes[1] == SlowPathKind;
        if (!isSlowPath && bytes[1] > (byte)UpcallKind.Ipfix) return false;
        userdata = new UpcallUserdata(
            (UpcallKind)(isSlowPath ? 0 : bytes[1]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]),
            ImmutableArray.Create(bytes[HeaderSize..]));
        return true;
    }
}
