using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>
/// What a prefix of the log makes: database, tunnel keys, and who has been served.
/// </summary>
public sealed record NorthboundState(DatabaseSnapshot Database, KeyState Keys, Origins Origins)
    : ILogImage
{
    public static NorthboundState EmptyOf(DatabaseSchema schema) =>
        new(DatabaseSnapshot.EmptyOf(schema), KeyState.Empty, Origins.Empty);

    public NorthboundState Apply(
        TransactionEntry entry, out ImmutableArray<RowChange> changes) => new(
            Database.Apply(entry.Delta, out changes), Keys.Apply(entry.Keys),
            Origins.Add(entry.Request));

    /// <summary>The state after any entry; only transactions change it.</summary>
    /// <exception cref="InvalidOperationException">The entry is not one of this schema.</exception>
    public NorthboundState Apply(LogEntry entry)
    {
        if (entry.Kind != EntryKind.Transaction) return this;
        return TransactionEntry.TryRead(entry.Body.Span, Database.Schema, out var transaction)
            ? Apply(transaction, out _)
            : throw new InvalidOperationException($"Entry {entry.Id} holds no transaction.");
    }

    /// <remarks>1 all rows as one delta, 2 keys, 3 last datapath key given, 4 last port key given
    /// by datapath (1 datapath, 2 key), 5 windows (1 host, 2 incarnation, 3 low, 4 done).</remarks>
    public ReadOnlyMemory<byte> ToBytes()
    {
        var to = new FieldWriter().Bytes(1, AllRows().ToJson());
        Write(to, KeyOwner.Datapath, Keys.Keys.Datapaths);
        Write(to, KeyOwner.Port, Keys.Keys.Ports);
        Write(to, KeyOwner.ChassisRedirect, Keys.Keys.ChassisRedirects);
        to.Number(3, Keys.DatapathHint);
        foreach (var (datapath, key) in Keys.PortHints.OrderBy(pair => pair.Key))
            to.Item(4, new FieldWriter().Uuid(1, datapath).Number(2, key));
        foreach (var (host, window) in Origins.Windows)
        {
            var nested = new FieldWriter().Text(1, host).Number(2, window.Incarnation)
                .Number(3, window.LowestOpen);
            foreach (var number in window.Done) nested.Number(4, number);
            to.Item(5, nested);
        }

        return to.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote; no bytes are the empty state.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> bytes, DatabaseSchema schema, out NorthboundState state)
    {
        state = EmptyOf(schema);
        var keys = ImmutableArray.CreateBuilder<KeyChange>();
        var hints = ImmutableDictionary.CreateBuilder<Guid, uint>();
        var windows = Ordinal.EmptyMap<OriginWindow>().ToBuilder();
        DatabaseDelta? rows = null;
        var hint = 0L;
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: rows = TransactionEntry.ReadDelta(reader.Bytes, schema); break;
                case 2: keys.Add(TransactionEntry.ReadKey(ref reader)); break;
                case 3: hint = reader.Number; break;
                case 4: ReadHint(ref reader, hints); break;
                case 5: ReadWindow(ref reader, windows); break;
            }
        }

        if (reader.IsMalformed || (rows is null && !bytes.IsEmpty)) return false;
        var given = KeyState.Empty.Apply(keys) with
        {
            DatapathHint = (uint)hint,
            PortHints = hints.ToImmutable(),
        };
        var database = rows is null ? state.Database : state.Database.Apply(rows);
        state = new NorthboundState(database, given, new Origins(windows.ToImmutable()));
        return true;
    }

    private DatabaseDelta AllRows() => new(
        Database.Schema.Name, Database.TransactionId,
        [
            .. Database.Tables.SelectMany(table => table.Rows).Select(row => new RowDelta(
                row.Schema.Name, row.Uuid, RowDeltaKind.Insert,
                [
                    .. row.Schema.Columns
                        .Where(column => !row[column].Equals(column.Type.Default))
                        .Select(column => new ColumnValue(column.Name, row[column])),
                ])),
        ]);

    private static void Write(
        FieldWriter to, KeyOwner owner, ImmutableDictionary<Guid, uint> keys)
    {
        foreach (var (row, key) in keys.OrderBy(pair => pair.Key))
            to.Item(2, TransactionEntry.Fields(new KeyChange(owner, row, key, default)));
    }

    private static void ReadHint(
        ref FieldReader outer, ImmutableDictionary<Guid, uint>.Builder hints)
    {
        var (datapath, key) = (Guid.Empty, 0L);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) datapath = reader.Uuid();
            else if (reader.Field == 2) key = reader.Number;
        }

        if (reader.IsMalformed) outer.Fail();
        hints[datapath] = (uint)key;
    }

    private static void ReadWindow(
        ref FieldReader outer, ImmutableSortedDictionary<string, OriginWindow>.Builder windows)
    {
        var (host, incarnation, low) = ("", 0L, 0L);
        var done = ImmutableSortedSet.CreateBuilder<long>();
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: incarnation = reader.Number; break;
                case 3: low = reader.Number; break;
                case 4: done.Add(reader.Number); break;
            }
        }

        if (reader.IsMalformed) outer.Fail();
        windows[host] = new OriginWindow(incarnation, low, done.ToImmutable());
    }
}
