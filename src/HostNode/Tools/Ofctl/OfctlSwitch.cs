using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>The switch as a whole, and its tables.</summary>
internal static class OfctlSwitch
{
    private static readonly (OfCapabilities Bit, string Name)[] Capabilities =
    [
        (OfCapabilities.FlowStats, "FLOW_STATS"), (OfCapabilities.TableStats, "TABLE_STATS"),
        (OfCapabilities.PortStats, "PORT_STATS"), (OfCapabilities.GroupStats, "GROUP_STATS"),
        (OfCapabilities.IpReassembly, "IP_REASM"), (OfCapabilities.QueueStats, "QUEUE_STATS"),
        (OfCapabilities.ArpMatchIp, "ARP_MATCH_IP"), (OfCapabilities.SpanningTree, "STP"),
        (OfCapabilities.PortBlocked, "PORT_BLOCKED"), (OfCapabilities.Bundles, "BUNDLES"),
        (OfCapabilities.FlowMonitoring, "FLOW_MONITORING"),
    ];

    private static readonly string[] FragmentModes = ["normal", "drop", "reassemble", "nx-match"];

    public static readonly OfctlCommand[] Commands =
    [
        new("show", 1, 1, "BRIDGE", "the switch and its ports", ShowAsync),
        new("dump-desc", 1, 1, "BRIDGE", "who made the switch", DescriptionAsync),
        new("dump-tables", 1, 1, "BRIDGE", "statistics of tables", TablesAsync),
        new("dump-table-desc", 1, 1, "BRIDGE", "eviction and vacancy (OF1.4+)", TableRulesAsync),
        new("mod-table", 3, 3, "BRIDGE TABLE SETTING", "evict, noevict, vacancy:LOW,HIGH ...",
            ModifyTableAsync),
        new("get-frags", 1, 1, "BRIDGE", "what is done with fragments", FragmentsAsync),
        new("set-frags", 2, 2, "BRIDGE MODE", "normal, drop, reassemble, nx-match",
            SetFragmentsAsync),
    ];

    private static async Task ShowAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, features) = await bridge.AskAsync<OfFeaturesReply>(new OfFeaturesRequest());
        await call.PrintHeadAsync(
            "OFPT_FEATURES_REPLY", bridge, xid, $" dpid:{features.DatapathId:x16}");
        await call.PrintAsync($"n_tables:{features.TableCount}, n_buffers:{features.BufferCount}");
        var names = Capabilities.Where(row => (features.Capabilities & row.Bit) != 0);
        await call.PrintAsync($"capabilities: {string.Join(' ', names.Select(row => row.Name))}");
        if (bridge.Version == OfVersion.OpenFlow10)
        {
            await call.PrintAsync(
                $"actions: {OfctlGroups.ActionNames(features.Actions, bridge.Version)}");
        }

        if (bridge.Version < OfVersion.OpenFlow13)
        {
            await OfctlPorts.PrintAsync(call, features.Ports.AsEnumerable());
        }
        else
        {
            var (portsXid, parts) = await bridge.AskAllAsync<OfPortDescriptionReply>(
                new OfPortDescriptionRequest(OfPort.Any));
            await call.PrintHeadAsync("OFPST_PORT_DESC reply", bridge, portsXid);
            await OfctlPorts.PrintAsync(
                call, parts.SelectMany(part => part.Ports.AsEnumerable()));
        }

        var (configXid, config) = await bridge.AskAsync<OfGetConfigReply>(new OfGetConfigRequest());
        await call.PrintHeadAsync(
            "OFPT_GET_CONFIG_REPLY", bridge, configXid,
            $" frags={ModeOf(config)}"
            + ((config.Flags & OfConfigFlags.InvalidTtlToController) != 0
                ? " invalid_ttl_to_controller" : "")
            + $" miss_send_len={config.MissSendLength}");
    }

    private static string ModeOf(OfGetConfigReply config) =>
        FragmentModes[(int)(config.Flags & OfConfigFlags.FragmentMask)];

    private static async Task DescriptionAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, text) = await bridge.AskAsync<OfDescriptionReply>(new OfDescriptionRequest());
        await call.PrintHeadAsync("OFPST_DESC reply", bridge, xid);
        await call.PrintAsync(
            $"Manufacturer: {text.Manufacturer}\nHardware: {text.Hardware}\n"
            + $"Software: {text.Software}\nSerial Num: {text.SerialNumber}\n"
            + $"DP Description: {text.Datapath}");
    }

    private static async Task TablesAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfTableStatsReply>(new OfTableStatsRequest());
        await call.PrintHeadAsync("OFPST_TABLE reply", bridge, xid);
        var tables = parts.SelectMany(part => part.Tables.AsEnumerable()).ToList();
        for (var i = 0; i < tables.Count;)
        {
            var last = i;
            while (i > 0 && last < tables.Count && IsLike(tables[last], tables[i - 1])) last++;
            if (last > i)
            {
                var (first, end) = (tables[i].TableId, tables[last - 1].TableId);
                await call.PrintAsync(
                    first == end ? $"  table {first}: ditto" : $"  tables {first}...{end}: ditto");
                i = last;
                continue;
            }

            var table = tables[i++];
            var name = table.Name.Length > 0 && table.Name != $"table{table.TableId}"
                ? $" (\"{table.Name}\")" : "";
            await call.PrintAsync(
                $"  table {table.TableId}{name}:\n    active={table.ActiveCount}, "
                + $"lookup={table.LookupCount}, matched={table.MatchedCount}\n");
        }
    }

    private static bool IsLike(OfTableStats one, OfTableStats other) =>
        one with { TableId = other.TableId, Name = other.Name } == other;

    private static async Task TableRulesAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync(OfVersion.OpenFlow14);
        var (xid, parts) = await bridge.AskAllAsync<OfTableDescriptionReply>(
            new OfTableDescriptionRequest());
        await call.PrintHeadAsync("OFPST_TABLE_DESC reply", bridge, xid);
        var isFirst = true;
        foreach (var table in parts.SelectMany(part => part.Tables.AsEnumerable()))
        {
            if (!isFirst) await call.PrintAsync("");
            isFirst = false;
            (EvictionFlags Bit, string Name)[] flags =
            [
                (EvictionFlags.Other, "OTHER"), (EvictionFlags.Importance, "IMPORTANCE"),
                (EvictionFlags.Lifetime, "LIFETIME"),
            ];
            var names = flags.Where(row => (table.EvictionFlags & row.Bit) != 0);
            var vacancy = table.Vacancy
                ? $"on vacancy_down={table.VacancyDown}% vacancy_up={table.VacancyUp}% "
                    + $"vacancy={table.VacancyNow}%"
                : "off";
            await call.PrintAsync(
                $"  table {table.TableId}:\n"
                + $"   eviction={(table.Eviction ? "on" : "off")} "
                + $"eviction_flags={string.Join('|', names.Select(row => row.Name))}\n"
                + $"   vacancy={vacancy}");
        }
    }

    private static async Task ModifyTableAsync(OfctlCall call)
    {
        var table = call.Words[1] is "all" or "ALL"
            ? FlowMod.AllTables
            : byte.TryParse(call.Words[1], out var number)
                ? number
                : throw new ToolException($"{call.Words[1]}: unknown table");
        var setting = call.Words[2];
        var mod = new TableMod(table, TableMiss.Default, null, null, null, 0, 0);
        var bits = setting.StartsWith("vacancy:", StringComparison.Ordinal)
            ? setting[8..].Split(',') : [];
        mod = setting switch
        {
            "evict" => mod with { Eviction = true },
            "noevict" => mod with { Eviction = false },
            "novacancy" => mod with { Vacancy = false },
            "controller" => mod with { Miss = TableMiss.Controller },
            "continue" => mod with { Miss = TableMiss.Continue },
            "drop" => mod with { Miss = TableMiss.Drop },
            _ when bits is [var low, var high] && byte.TryParse(low, out var down)
                && byte.TryParse(high, out var up) && down < up && up <= 100 =>
                mod with { Vacancy = true, VacancyDown = down, VacancyUp = up },
            _ => throw new ToolException($"invalid table_mod setting {setting}"),
        };
        var isMiss = mod.Miss != TableMiss.Default;
        var bridge = await call.BridgeAsync();
        if (isMiss && bridge.Version is not (OfVersion.OpenFlow11 or OfVersion.OpenFlow12))
        {
            throw new ToolException(
                $"table_mod '{setting}' requires one of the OpenFlow versions OpenFlow11, "
                + "OpenFlow12");
        }

        if (!isMiss && bridge.Version < OfVersion.OpenFlow14)
            throw new ToolException($"table_mod '{setting}' requires OpenFlow14 or later");
        await call.ChangeAsync([mod]);
    }

    private static async Task FragmentsAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (_, config) = await bridge.AskAsync<OfGetConfigReply>(new OfGetConfigRequest());
        await call.PrintAsync(ModeOf(config));
    }

    private static async Task SetFragmentsAsync(OfctlCall call)
    {
        var mode = Array.IndexOf(FragmentModes, call.Words[1]);
        if (mode < 0) throw new ToolException($"{call.Words[1]}: unknown fragment handling mode");
        var bridge = await call.BridgeAsync();
        var (_, config) = await bridge.AskAsync<OfGetConfigReply>(new OfGetConfigRequest());
        var flags = (config.Flags & ~OfConfigFlags.FragmentMask) | (OfConfigFlags)mode;
        await call.ChangeAsync([new OfSetConfig(flags, config.MissSendLength)]);
        (_, config) = await bridge.AskAsync<OfGetConfigReply>(new OfGetConfigRequest());
        if (ModeOf(config) != call.Words[1])
        {
            throw new ToolException(
                $"{call.Words[0]}: setting fragment handling mode failed (this switch probably "
                + $"doesn't support mode \"{call.Words[1]}\")");
        }
    }
}
