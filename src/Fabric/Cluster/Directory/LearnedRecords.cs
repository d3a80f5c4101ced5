using System.Net;
using Fabric.Wire;

namespace Fabric.Cluster;

/// <summary>Something that any host may learn; the one that learned it last owns it.</summary>
internal interface ILearnedRecord<TKey>
{
    TKey Key { get; }

    /// <summary>Of the key; the highest one wins.</summary>
    long Version { get; }

    /// <summary>The owner.</summary>
    string HostId { get; }
}

/// <summary>A gossiped <see cref="MacBinding"/>.</summary>
public sealed record LearnedMacBinding(MacBinding Binding, long Version)
    : ILearnedRecord<MacBindingKey>
{
    public MacBindingKey Key => Binding.Key;

    public string HostId => Binding.HostId;
}

/// <summary>A gossiped <see cref="FdbEntry"/>.</summary>
public sealed record LearnedFdbEntry(FdbEntry Entry, long Version) : ILearnedRecord<FdbKey>
{
    public FdbKey Key => Entry.Key;

    public string HostId => Entry.HostId;
}

/// <summary>The bytes of learned records, version 1.</summary>
/// <remarks>
/// MAC binding: 1 port, 2 address, 3 MAC as a number, 4 host, 5 version.
/// FDB entry: 1 datapath, 2 MAC as a number, 3 port, 4 host, 5 version.
/// </remarks>
public static class LearnedRecordCodec
{
    public const string MacBindingManifest = "learned.mac.1";
    public const string FdbManifest = "learned.fdb.1";

    private const long MacMax = 0xffff_ffff_ffff;

    public static byte[] Write(LearnedMacBinding record) => new FieldWriter()
        .Text(1, record.Binding.LogicalPort)
        .Bytes(2, record.Binding.Address.GetAddressBytes())
        .Number(3, (long)record.Binding.Mac.ToUInt64())
        .Text(4, record.HostId).Number(5, record.Version).ToArray();

    public static byte[] Write(LearnedFdbEntry record) => new FieldWriter()
        .Uuid(1, record.Entry.Datapath).Number(2, (long)record.Entry.Mac.ToUInt64())
        .Text(3, record.Entry.LogicalPort).Text(4, record.HostId)
        .Number(5, record.Version).ToArray();

    public static bool TryRead(ReadOnlySpan<byte> bytes, out LearnedMacBinding? record)
    {
        var (port, mac, host, version) = ("", 0L, "", 0L);
        IPAddress? address = null;
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: port = reader.Text(); break;
                case 2 when reader.Bytes.Length is 4 or 16:
                    address = new IPAddress(reader.Bytes);
                    break;
                case 3: mac = reader.Number; break;
                case 4: host = reader.Text(); break;
                case 5: version = reader.Number; break;
            }
        }

        record = reader.IsMalformed || address is null || mac is < 0 or > MacMax
            ? null
            : new LearnedMacBinding(
                new MacBinding(port, address, MacBytes.FromUInt64((ulong)mac), host), version);
        return record is not null;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out LearnedFdbEntry? record)
    {
        var (datapath, mac, port, host, version) = (Guid.Empty, 0L, "", "", 0L);
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: datapath = reader.Uuid(); break;
                case 2: mac = reader.Number; break;
                case 3: port = reader.Text(); break;
                case 4: host = reader.Text(); break;
                case 5: version = reader.Number; break;
            }
        }

        record = reader.IsMalformed || mac is < 0 or > MacMax
            ? null
            : new LearnedFdbEntry(
                new FdbEntry(datapath, MacBytes.FromUInt64((ulong)mac), port, host), version);
        return record is not null;
    }
}
