using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>What packets see of a bridge's tables at one moment.</summary>
/// <remarks>
/// A bundle of any size takes effect by publishing the next of these. Rules carry the versions
/// between which they are visible; groups, meters and the TLV table are whole values.
/// </remarks>
public sealed class PipelineVersion
{
    internal PipelineVersion(
        long version, TableSet tables, ImmutableDictionary<uint, GroupSnapshot> groups,
        ImmutableDictionary<uint, MeterSnapshot> meters, TlvTable tlv,
        ImmutableDictionary<int, TableSettings> tableSettings)
    {
        Version = version;
        Tables = tables;
        Groups = groups;
        Meters = meters;
        Tlv = tlv;
        TableSettings = tableSettings;
    }

    public long Version { get; }
    internal TableSet Tables { get; }
    public ImmutableDictionary<uint, GroupSnapshot> Groups { get; }
    public ImmutableDictionary<uint, MeterSnapshot> Meters { get; }
    public TlvTable Tlv { get; }

    /// <summary>Of the tables that are not as all tables are.</summary>
    public ImmutableDictionary<int, TableSettings> TableSettings { get; }

    public TableSettings SettingsOf(int table) =>
        TableSettings.GetValueOrDefault(table, Pipeline.TableSettings.Default);

    /// <summary>All rules that controllers see, of one table or all, in no order.</summary>
    public IEnumerable<Rule> Rules(byte table = FlowMod.AllTables) =>
        Tables.Rules(Version, table).Where(rule => !rule.IsHidden);

    /// <summary>The switch's own rules, the highest priority first.</summary>
    public IEnumerable<Rule> HiddenRules => Tables.Rules(Version, 0)
        .Where(rule => rule.IsHidden).OrderByDescending(rule => rule.Priority);

    public int RuleCount => Rules().Count();
}

/// <summary>A learn action's flow.</summary>
/// <param name="Limit">Most flows with this cookie in this table; 0: any number.</param>
/// <param name="DeletesWithLearner">Goes when the flow that learned it goes.</param>
public sealed record LearnedRule(FlowMod FlowMod, uint Limit, bool DeletesWithLearner);
