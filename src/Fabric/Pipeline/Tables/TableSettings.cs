using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>How a table is to behave: from its Flow_Table row and from table-mods.</summary>
public sealed record TableSettings
{
    public static TableSettings Default { get; } = new();

    /// <summary>Of the row; "" for none.</summary>
    public string Name { get; init; } = "";

    /// <summary>Most flows; null: no limit.</summary>
    public uint? FlowLimit { get; init; }

    /// <summary>The row's overflow_policy is "evict".</summary>
    public bool EvictsByPolicy { get; init; }

    /// <summary>Flows with the same values here share fairly (the row's groups).</summary>
    public EquatableArray<Subfield> EvictionFields { get; init; }

    /// <summary>An OpenFlow 1.4 table-mod asked for eviction.</summary>
    public bool EvictsByOpenFlow { get; init; }

    /// <summary>OpenFlow 1.1 and 1.2: where packets go that match nothing.</summary>
    public TableMiss Miss { get; init; }

    /// <summary>Controllers are told when free space passes these marks, in percent.</summary>
    public bool HasVacancyEvents { get; init; }
    public byte VacancyDown { get; init; }
    public byte VacancyUp { get; init; }

    public bool Evicts => EvictsByPolicy || EvictsByOpenFlow;

    /// <summary>Free space in percent; a table without a limit is empty.</summary>
    public byte VacancyOf(int count) => FlowLimit switch
    {
        null or 0 => 100,
        { } limit when count >= limit => 0,
        { } limit => (byte)((limit - count) * 100.0 / limit),
    };

    /// <summary>The row's part of 'row', the rest as it is here.</summary>
    public TableSettings WithRow(TableSettings row) => this with
    {
        Name = row.Name,
        FlowLimit = row.FlowLimit,
        EvictsByPolicy = row.EvictsByPolicy,
        EvictionFields = row.EvictionFields,
    };

    /// <summary>What a table-mod changes.</summary>
    public TableSettings With(TableMod mod) => this with
    {
        EvictsByOpenFlow = mod.Eviction ?? EvictsByOpenFlow,
        Miss = mod.Eviction is null && mod.Vacancy is null ? mod.Miss : Miss,
        HasVacancyEvents = mod.Vacancy ?? HasVacancyEvents,
        VacancyDown = mod.Vacancy == true ? mod.VacancyDown : VacancyDown,
        VacancyUp = mod.Vacancy == true ? mod.VacancyUp : VacancyUp,
    };
}
