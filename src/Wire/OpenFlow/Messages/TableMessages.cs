namespace Fabric.Wire.OpenFlow;

/// <summary>What a table does on a miss (OpenFlow 1.1 and 1.2).</summary>
public enum TableMiss : byte { Default, Controller, Continue, Drop }

/// <summary>OFPTMPEF_*: what may be evicted when a table is full.</summary>
[Flags]
public enum EvictionFlags : uint { None = 0, Other = 1, Importance = 2, Lifetime = 4 }

/// <param name="TableId">255: all.</param>
/// <param name="Eviction">null: not changed.</param>
/// <param name="Vacancy">null: not changed.</param>
public sealed record TableMod(
    byte TableId, TableMiss Miss, bool? Eviction, EvictionFlags? EvictionFlags,
    bool? Vacancy, byte VacancyDown, byte VacancyUp) : OfMessage;

public sealed record OfTableDescription(
    byte TableId, bool Eviction, EvictionFlags EvictionFlags, bool Vacancy, byte VacancyDown,
    byte VacancyUp, byte VacancyNow);

public sealed record OfTableStats(
    byte TableId, string Name, uint MaxEntries, uint ActiveCount, ulong LookupCount,
    ulong MatchedCount, TableMiss Miss = TableMiss.Default);

/// <summary>What a table can do. OVS's tables all can do everything.</summary>
/// <param name="MetadataMatch">Bits of metadata that can be matched.</param>
public sealed record OfTableFeatures(
    byte TableId, string Name, ulong MetadataMatch, ulong MetadataWrite, uint MaxEntries,
    bool SupportsEviction, bool SupportsVacancy, EquatableArray<byte> NextTables,
    bool IsLastTable);

public enum OfTableReason : byte { VacancyDown = 3, VacancyUp = 4 }

public sealed record OfTableStatus(OfTableReason Reason, OfTableDescription Table) : OfMessage;
