using System.Buffers.Binary;

namespace Fabric.Wire.OpenFlow;

/// <summary>The eight bytes that every OpenFlow message begins with.</summary>
/// <remarks><code>
/// +---------------+---------------+-------------------------------+
/// |    version    |     type      |   length, header included     |
/// +---------------+---------------+-------------------------------+
/// |                        transaction id                         |
/// </code></remarks>
public readonly record struct OfHeader(OfVersion Version, byte Type, ushort Length, uint Xid)
{
    public const int Size = 8;

    /// <summary>Reads a header; false when there are less than 8 bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out OfHeader header)
    {
        header = default;
        if (bytes.Length < Size) return false;
        header = new OfHeader((OfVersion)bytes[0], bytes[1],
            BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));
        return true;
    }
}

/// <summary>Message types, by name; numbers differ between 1.0 and later versions.</summary>
internal enum OfType
{
    Hello, Error, EchoRequest, EchoReply, Experimenter, FeaturesRequest, FeaturesReply,
    GetConfigRequest, GetConfigReply, SetConfig, PacketIn, FlowRemoved, PortStatus, PacketOut,
    FlowMod, GroupMod, PortMod, TableMod, StatsRequest, StatsReply, BarrierRequest, BarrierReply,
    QueueGetConfigRequest, QueueGetConfigReply, RoleRequest, RoleReply, GetAsyncRequest,
    GetAsyncReply, SetAsync, MeterMod, RoleStatus, TableStatus, RequestForward, BundleControl,
    BundleAdd,
}

/// <summary>
/// The catalogue of message types: number in 1.0, number later, and the first version.
/// </summary>
internal static class OfTypes
{
    private const byte No = 255;

    private static readonly (OfType Type, byte In10, byte Later, OfVersion Since, OfVersion Until)[]
        Rows = Build();

    private static readonly OfType?[,] ByNumber = Index();

    public static byte NumberOf(OfType type, OfVersion version)
    {
        var row = Rows[(int)type];
        return version == OfVersion.OpenFlow10 ? row.In10 : row.Later;
    }

    /// <summary>The type exists in 'version'.</summary>
    public static bool Exists(OfType type, OfVersion version)
    {
        var row = Rows[(int)type];
        return NumberOf(type, version) != No && version >= row.Since && version <= row.Until;
    }

    public static OfType? Find(byte number, OfVersion version) =>
        number < 64 && (int)version < 8 ? ByNumber[(int)version, number] : null;

    private static (OfType, byte, byte, OfVersion, OfVersion)[] Build()
    {
        var rows = new List<(OfType, byte, byte, OfVersion, OfVersion)>();
        void Add(OfType type, int in10, int later, int since = 1, int until = 6) =>
            rows.Add((type, (byte)in10, (byte)later, (OfVersion)since, (OfVersion)until));
        for (var type = OfType.Hello; type <= OfType.FlowMod; type++) Add(type, (int)type,
            (int)type);
        Add(OfType.GroupMod, No, 15, 2);
        Add(OfType.PortMod, 15, 16);
        Add(OfType.TableMod, No, 17, 2);
        Add(OfType.StatsRequest, 16, 18);
        Add(OfType.StatsReply, 17, 19);
        Add(OfType.BarrierRequest, 18, 20);
        Add(OfType.BarrierReply, 19, 21);
        Add(OfType.QueueGetConfigRequest, 20, 22, 1, 4);
        Add(OfType.QueueGetConfigReply, 21, 23, 1, 4);
        Add(OfType.RoleRequest, No, 24, 3);
        Add(OfType.RoleReply, No, 25, 3);
        Add(OfType.GetAsyncRequest, No, 26, 4);
        Add(OfType.GetAsyncReply, No, 27, 4);
        Add(OfType.SetAsync, No, 28, 4);
        Add(OfType.MeterMod, No, 29, 4);
        Add(OfType.RoleStatus, No, 30, 5);
        Add(OfType.TableStatus, No, 31, 5);
        Add(OfType.RequestForward, No, 32, 5);
        Add(OfType.BundleControl, No, 33, 5);
        Add(OfType.BundleAdd, No, 34, 5);
        return [.. rows];
    }

    private static OfType?[,] Index()
    {
        var index = new OfType?[8, 64];
        foreach (var row in Rows)
        {
            for (var version = row.Since; version <= row.Until; version++)
            {
                var number = NumberOf(row.Type, version);
                if (number != No) index[(int)version, number] = row.Type;
            }
        }

        return index;
    }
}
