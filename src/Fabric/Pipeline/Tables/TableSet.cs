using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>The 255 tables of a bridge; a table exists once a rule was put into it.</summary>
internal sealed class TableSet
{
    public const int Count = 255;

    private readonly FlowTable?[] _tables = new FlowTable?[Count];
    private readonly long[] _lookups = new long[Count];
    private readonly long[] _matches = new long[Count];

    /// <summary>
    /// Tables made from now on track prefixes of IPv6 addresses too (OVS: since 3.5).
    /// </summary>
    public bool TracksIpv6 { get; set; } = true;

    /// <summary>The rule for 'key' in 'version', or null on a miss.</summary>
    public Rule? Lookup(byte table, ref PipelineKey key, Span<ulong> wild, long version)
    {
        if (table >= Count) return null;
        Interlocked.Increment(ref _lookups[table]);
        var rule = Find(table, version)?.Lookup(ref key, wild, version) as Rule;
        if (rule is not null) Interlocked.Increment(ref _matches[table]);
        return rule;
    }

    /// <summary>The table as the writer has it.</summary>
    public FlowTable? Find(int table) => Volatile.Read(ref _tables[table]);

    /// <summary>The table that 'version' sees.</summary>
    public FlowTable? Find(int table, long version)
    {
        var found = Find(table);
        while (found is not null && found.FirstVersion > version) found = found.Before;
        return found;
    }

    /// <summary>An empty table takes the place of one from 'version' on.</summary>
    public FlowTable Drop(int table, long version)
    {
        var empty = new FlowTable(TracksIpv6)
        {
            FirstVersion = version, ChangedVersion = version, Before = Find(table),
        };
        Volatile.Write(ref _tables[table], empty);
        return empty;
    }

    /// <summary>Takes back <see cref="Drop"/>.</summary>
    public void Restore(int table, FlowTable empty) =>
        Volatile.Write(ref _tables[table], empty.Before);

    public FlowTable GetOrAdd(byte table)
    {
        if (_tables[table] is { } known) return known;
        var added = new FlowTable(TracksIpv6);
        Volatile.Write(ref _tables[table], added);
        return added;
    }

    public (ulong Lookups, ulong Matches) CountsOf(int table) =>
        ((ulong)Interlocked.Read(ref _lookups[table]),
            (ulong)Interlocked.Read(ref _matches[table]));

    /// <summary>Rules that 'version' sees, in all tables or in one.</summary>
    public IEnumerable<Rule> Rules(long version, byte table = FlowMod.AllTables)
    {
        var first = table == FlowMod.AllTables ? 0 : table;
        var last = table == FlowMod.AllTables ? Count - 1 : table;
        for (var i = first; i <= last; i++)
        {
            if (Find(i, version) is not { } found) continue;
            foreach (var rule in found.Rules(version)) yield return (Rule)rule;
        }
    }
}
