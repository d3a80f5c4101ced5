using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>
/// Body of a log entry: one whole OVSDB transaction with all that the writer decided.
/// </summary>
/// <param name="Request">Who asked; an empty host id when the writer itself did.</param>
/// <param name="Results">What the client is answered.</param>
/// <param name="Keys">Tunnel keys that were given and taken back.</param>
public sealed record TransactionEntry(
    RequestId Request, DatabaseDelta Delta, ImmutableArray<OperationResult> Results,
    ImmutableArray<KeyChange> Keys)
{
    /// <remarks>1 request (1 host, 2 incarnation, 3 number, 4 lowest open), 2 delta as JSON,
    /// 3 results, 4 key changes (1 owner, 2 row, 3 key, 4 datapath).</remarks>
    public byte[] ToBytes()
    {
        var to = new FieldWriter().Item(1, Fields(Request)).Bytes(2, Delta.ToJson());
        foreach (var result in Results) to.Item(3, ResultCodec.Fields(result));
        foreach (var key in Keys) to.Item(4, Fields(key));
        return to.ToArray();
    }

    public static bool TryRead(
        ReadOnlySpan<byte> bytes, DatabaseSchema schema, out TransactionEntry entry)
    {
        var request = default(RequestId);
        DatabaseDelta? delta = null;
        var results = ImmutableArray.CreateBuilder<OperationResult>();
        var keys = ImmutableArray.CreateBuilder<KeyChange>();
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: request = ReadRequest(ref reader); break;
                case 2: delta = ReadDelta(reader.Bytes, schema); break;
                case 3 when ResultCodec.Read(ref reader) is { } result: results.Add(result); break;
                case 4: keys.Add(ReadKey(ref reader)); break;
            }
        }

        entry = new TransactionEntry(
            request, delta!, results.ToImmutable(), keys.ToImmutable());
        return !reader.IsMalformed && delta is not null;
    }

    internal static FieldWriter Fields(RequestId id) => new FieldWriter()
        .Text(1, id.HostId).Number(2, id.Incarnation).Number(3, id.Number)
        .Number(4, id.LowestOpen);

    internal static RequestId ReadRequest(ref FieldReader outer)
    {
        var (host, incarnation, number, low) = ("", 0L, 0L, 0L);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: incarnation = reader.Number; break;
                case 3: number = reader.Number; break;
                case 4: low = reader.Number; break;
            }
        }

        if (reader.IsMalformed) outer.Fail();
        return new RequestId(host, incarnation, number, low);
    }

    internal static DatabaseDelta? ReadDelta(ReadOnlySpan<byte> json, DatabaseSchema schema) =>
        DatabaseDeltaReader.TryRead(json.ToArray(), schema, out var delta, out _) ? delta : null;

    internal static FieldWriter Fields(KeyChange key) => new FieldWriter()
        .Number(1, (long)key.Owner).Uuid(2, key.Row).Number(3, key.Key).Uuid(4, key.Datapath);

    internal static KeyChange ReadKey(ref FieldReader outer)
    {
        var (owner, row, key, datapath) = (0L, Guid.Empty, 0L, Guid.Empty);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: owner = reader.Number; break;
                case 2: row = reader.Uuid(); break;
                case 3: key = reader.Number; break;
                case 4: datapath = reader.Uuid(); break;
            }
        }

        if (reader.IsMalformed || owner is < 0 or > 2 || key is < 0 or > uint.MaxValue)
            outer.Fail();
        return new KeyChange((KeyOwner)owner, row, (uint)key, datapath);
    }
}
