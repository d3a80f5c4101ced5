using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What the host node writes into Open_vSwitch when it starts: a pure function.</summary>
public static class InitialRows
{
    /// <summary>The root row if there is none, and the columns that describe this host.</summary>
    /// <remarks>Keys of external_ids that are there already win over the settings.</remarks>
    public static ImmutableArray<Operation> For(
        DatabaseSnapshot database, ConfigurationSettings settings, Func<Guid> newUuid)
    {
        var root = database.Table("Open_vSwitch").First;
        // The root row of another process's database is that process's, and its scripts'.
        if (settings.Remote is not null && root is null) return [];
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        if (settings.Remote is null) Describe();
        Set("iface_types", Datum.Strings(settings.InterfaceTypes));
        Set("datapath_types", Datum.Strings(settings.DatapathTypes));
        Set("dpdk_initialized", false);
        Set("dpdk_version", "none");
        if (values.Count == 0) return [];
        return root is null
            ? [new Operation.Insert("Open_vSwitch", values.ToImmutable(), newUuid())]
            : [new Operation.Update(
                "Open_vSwitch", [Condition.RowIs(root.Uuid)], values.ToImmutable())];

        void Describe()
        {
            var current = root?.GetMap("external_ids")
                ?? ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
            var ids = settings.ExternalIds;
            if (!current.ContainsKey("system-id") && !ids.ContainsKey("system-id"))
            {
                ids = ids.SetItem("system-id", newUuid().ToString("D"));
            }

            foreach (var (key, value) in current) ids = ids.SetItem(key, value);
            Set("external_ids", Datum.Map(ids));
            Set("ovs_version", settings.OvsVersion);
            Set("db_version", OpenVSwitchSchema.Version);
            Set("system_type", settings.SystemType);
            Set("system_version", settings.SystemVersion);
        }

        void Set(string column, Datum value)
        {
            if (root is null || !root[column].Equals(value))
            {
                values.Add(new ColumnValue(column, value));
            }
        }
    }
}
