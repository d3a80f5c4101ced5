using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Fabric.Wire.Ovsdb;

/// <summary>A column of a table.</summary>
/// <param name="IsMutable">False: only settable in insert.</param>
/// <param name="IsEphemeral">Kept in memory, empty after a restart.</param>
public sealed record ColumnSchema(
    string Name, ColumnType Type, bool IsMutable = true, bool IsEphemeral = false)
{
    public const int UuidIndex = -1;
    public const int VersionIndex = -2;

    /// <summary>The row's identity, readable as a column.</summary>
    public static ColumnSchema RowUuid { get; } =
        new("_uuid", ColumnType.Scalar(BaseType.Uuid), IsMutable: false) { Index = UuidIndex };

    /// <summary>Changes whenever the row changes.</summary>
    public static ColumnSchema RowVersion { get; } =
        new("_version", ColumnType.Scalar(BaseType.Uuid), false, true) { Index = VersionIndex };

    /// <summary>Place in <see cref="TableSchema.Columns"/>; negative for the two above.</summary>
    public int Index { get; internal init; }

    public bool IsInternal => Index < 0;
}

/// <summary>A table: its columns, and the rules that its rows keep.</summary>
public sealed class TableSchema
{
    private readonly FrozenDictionary<string, ColumnSchema> _byName;

    /// <param name="isRoot">Rows stay without a strong reference to them.</param>
    /// <param name="indexes">Sets of columns whose values may occur only once.</param>
    public TableSchema(
        string name, IEnumerable<ColumnSchema> columns, bool isRoot = false,
        uint rowCountMax = uint.MaxValue, IEnumerable<ImmutableArray<string>>? indexes = null)
    {
        Name = name;
        IsRoot = isRoot;
        RowCountMax = rowCountMax;
        Columns = [.. columns.OrderBy(column => column.Name, StringComparer.Ordinal)
            .Select((column, index) => column with { Index = index })];
        var all = Columns.Append(ColumnSchema.RowUuid).Append(ColumnSchema.RowVersion);
        _byName = all.ToFrozenDictionary(column => column.Name, StringComparer.Ordinal);
        Indexes = [.. (indexes ?? [])
            .Select(names => names.Select(name => _byName[name]).ToImmutableArray())];
        StrongColumns = [.. Columns.Where(column => column.Type.HasStrongReferences)];
        WeakColumns = [.. Columns.Where(column => column.Type.HasWeakReferences)];
        HasEphemeralColumns = Columns.Any(column => column.IsEphemeral);
    }

    public string Name { get; }

    /// <summary>Place in <see cref="DatabaseSchema.Tables"/>.</summary>
    public int Index { get; internal set; }

    /// <remarks>What the schema says; see <see cref="DatabaseSchema.HasRoots"/>.</remarks>
    public bool IsRoot { get; }

    public uint RowCountMax { get; }

    /// <summary>Sorted by name; without _uuid and _version.</summary>
    public ImmutableArray<ColumnSchema> Columns { get; }

    public ImmutableArray<ImmutableArray<ColumnSchema>> Indexes { get; }
    public ImmutableArray<ColumnSchema> StrongColumns { get; }
    public ImmutableArray<ColumnSchema> WeakColumns { get; }
    public bool HasEphemeralColumns { get; }

    /// <summary>The column of that name, _uuid and _version included.</summary>
    public bool TryColumn(string name, out ColumnSchema column)
    {
        var isKnown = _byName.TryGetValue(name, out var found);
        column = found ?? ColumnSchema.RowUuid;
        return isKnown;
    }

    /// <exception cref="KeyNotFoundException">The table has no such column.</exception>
    public ColumnSchema Column(string name) =>
        _byName.TryGetValue(name, out var column)
            ? column
            : throw new KeyNotFoundException($"No column {name} in table {Name}.");
}

/// <summary>A database's tables (RFC 7047 section 3.2).</summary>
public sealed class DatabaseSchema
{
    private readonly FrozenDictionary<string, TableSchema> _byName;
    private byte[]? _utf8;
    private string? _text;

    public DatabaseSchema(
        string name, string version, IEnumerable<TableSchema> tables, string? checksum = null)
    {
        Name = name;
        Version = version;
        Checksum = checksum;
        Tables = [.. tables.OrderBy(table => table.Name, StringComparer.Ordinal)];
        for (var i = 0; i < Tables.Length; i++) Tables[i].Index = i;
        _byName = Tables.ToFrozenDictionary(table => table.Name, StringComparer.Ordinal);
        HasRoots = Tables.Any(table => table.IsRoot);
    }

    /// <summary>Stands for a table that is not there.</summary>
    private static TableSchema NoTable { get; } = new("", []);

    public string Name { get; }

    /// <summary>Three numbers with dots, or nothing.</summary>
    public string Version { get; }

    public string? Checksum { get; }

    /// <summary>Sorted by name.</summary>
    public ImmutableArray<TableSchema> Tables { get; }

    /// <summary>A schema that names no root at all makes every table one.</summary>
    public bool HasRoots { get; }

    public bool IsRoot(TableSchema table) => table.IsRoot || !HasRoots;

    public bool TryTable(string name, out TableSchema table)
    {
        var isKnown = _byName.TryGetValue(name, out var found);
        table = found ?? NoTable;
        return isKnown;
    }

    /// <exception cref="KeyNotFoundException">The database has no such table.</exception>
    public TableSchema Table(string name) =>
        _byName.TryGetValue(name, out var table)
            ? table
            : throw new KeyNotFoundException($"No table named {name}.");

    /// <summary>
    /// The schema as JSON text, as get_schema answers and as .ovsschema files hold.
    /// </summary>
    public string Text => _text ??= SchemaWriter.ToText(this);

    /// <summary>The same as bytes.</summary>
    public ReadOnlyMemory<byte> Utf8 => _utf8 ??= System.Text.Encoding.UTF8.GetBytes(Text);
}
