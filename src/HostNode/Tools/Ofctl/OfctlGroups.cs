using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Groups.</summary>
internal static class OfctlGroups
{
    /// <summary>Actions in the order in which they are listed, by their bit.</summary>
    private static readonly (int Bit, string Name)[] Actions10 =
    [
        (0, "output"), (11, "enqueue"), (1, "set_vlan_vid"), (2, "set_vlan_pcp"),
        (3, "strip_vlan"), (4, "mod_dl_src"), (5, "mod_dl_dst"), (6, "mod_nw_src"),
        (7, "mod_nw_dst"), (8, "mod_nw_tos"), (9, "mod_tp_src"), (10, "mod_tp_dst"),
    ];

    private static readonly (int Bit, string Name)[] Actions12 =
    [
        (0, "output"), (22, "group"), (25, "set_field"), (18, "strip_vlan"), (17, "push_vlan"),
        (23, "mod_nw_ttl"), (24, "dec_ttl"), (15, "set_mpls_ttl"), (16, "dec_mpls_ttl"),
        (19, "push_mpls"), (20, "pop_mpls"), (21, "set_queue"),
    ];

    private static readonly string[] TypeNames = ["all", "select", "indirect", "fast failover"];

    public static readonly OfctlCommand[] Commands =
    [
        new("dump-groups", 1, 2, "BRIDGE [GROUP]", "groups and their buckets", DumpAsync),
        new("dump-group-stats", 1, 2, "BRIDGE [GROUP]", "their statistics", StatsAsync),
        new("dump-group-features", 1, 1, "BRIDGE", "what groups can be", FeaturesAsync),
        new("add-group", 2, 2, "BRIDGE GROUP", "add a group",
            call => ChangeAsync(call, GroupModCommand.Add)),
        new("add-groups", 2, 2, "BRIDGE FILE", "groups, one a line", AddFileAsync),
        new("mod-group", 2, 2, "BRIDGE GROUP", "change a group",
            call => ChangeAsync(
                call,
                call.Options.MayCreate ? GroupModCommand.AddOrModify : GroupModCommand.Modify)),
        new("del-groups", 1, 2, "BRIDGE [GROUP]", "delete groups",
            call => ChangeAsync(call, GroupModCommand.Delete)),
        new("insert-buckets", 2, 2, "BRIDGE GROUP", "add buckets to a group",
            call => ChangeAsync(call, GroupModCommand.InsertBucket)),
        new("remove-buckets", 2, 2, "BRIDGE GROUP", "take buckets out of a group",
            call => ChangeAsync(call, GroupModCommand.RemoveBucket)),
    ];

    /// <summary>The names of a set of actions, which OpenFlow 1.0 numbers its own way.</summary>
    public static string ActionNames(uint bits, OfVersion version) => string.Join(
        ' ',
        (version == OfVersion.OpenFlow10 ? Actions10 : Actions12)
            .Where(row => (bits & (1u << row.Bit)) != 0).Select(row => row.Name));

    private static GroupMod Parse(string text, GroupModCommand command) =>
        OfctlGroupText.TryParse(text, command, out var mod, out var error)
            ? mod
            : throw new ToolException(error);

    private static async Task ChangeAsync(OfctlCall call, GroupModCommand command)
    {
        var mod = Parse(call.Word(1) ?? "", command);
        if (command is GroupModCommand.InsertBucket or GroupModCommand.RemoveBucket)
        {
            var bridge = await call.BridgeAsync();
            if (!OfctlText.HasBucketIds(bridge))
                throw new ToolException("buckets need OpenFlow 1.5 ('-O OpenFlow15')");
        }

        await call.ChangeAsync([mod]);
    }

    private static async Task AddFileAsync(OfctlCall call)
    {
        var lines = await call.LinesAsync(call.Words[1]);
        await call.ChangeAsync([.. lines.Select(line => Parse(line, GroupModCommand.Add))]);
    }

    /// <summary>"3", "group_id=3" or nothing.</summary>
    private static uint Wanted(OfctlCall call, bool isNumberAllowed)
    {
        var text = call.Word(1) ?? "";
        if (isNumberAllowed && uint.TryParse(text, out var number)) return number;
        return Parse(text, GroupModCommand.Delete).GroupId;
    }

    private static async Task DumpAsync(OfctlCall call)
    {
        var group = Wanted(call, isNumberAllowed: true);
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfGroupDescriptionReply>(
            new OfGroupDescriptionRequest(group));
        await call.PrintHeadAsync(
            OfctlText.Extended(bridge, "GROUP_DESC") + " reply", bridge, xid);
        // Before OpenFlow 1.5 a switch tells all of them.
        foreach (var one in parts.SelectMany(part => part.Groups.AsEnumerable())
            .Where(one => group is OfGroupNumber.All or OfGroupNumber.Any || one.GroupId == group))
        {
            await call.PrintAsync(" " + OfctlGroupText.Format(one, OfctlText.HasBucketIds(bridge)));
        }
    }

    private static async Task StatsAsync(OfctlCall call)
    {
        var group = Wanted(call, isNumberAllowed: false);
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfGroupStatsReply>(
            new OfGroupStatsRequest(group));
        await call.PrintHeadAsync(OfctlText.Extended(bridge, "GROUP") + " reply", bridge, xid);
        foreach (var one in parts.SelectMany(part => part.Groups.AsEnumerable()))
        {
            var buckets = one.Buckets.AsEnumerable().Select((bucket, index) =>
                $",bucket{index}:packet_count={bucket.PacketCount},byte_count={bucket.ByteCount}");
            await call.PrintAsync(
                $" group_id={one.GroupId},duration={OfFlowText.Duration(one.Duration)},"
                + $"ref_count={one.ReferenceCount},packet_count={one.PacketCount},"
                + $"byte_count={one.ByteCount}{string.Concat(buckets)}");
        }
    }

    private static async Task FeaturesAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, features) = await bridge.AskAsync<OfGroupFeaturesReply>(
            new OfGroupFeaturesRequest());
        await call.PrintHeadAsync(
            OfctlText.Extended(bridge, "GROUP_FEATURES") + " reply", bridge, xid);
        await call.PrintAsync(
            $" Group table:\n    Types:  0x{features.Types:x}\n"
            + $"    Capabilities:  0x{features.Capabilities:x}");
        var (most, actions) = (
            features.MaxGroups.AsEnumerable().ToArray(),
            features.Actions.AsEnumerable().ToArray());
        for (var type = 0; type < TypeNames.Length && type < most.Length; type++)
        {
            if ((features.Types & (1u << type)) == 0) continue;
            await call.PrintAsync(
                $"    {TypeNames[type]} group:\n       max_groups=0x{most[type]:x}\n"
                + $"       actions: {ActionNames(actions[type], bridge.Version)}");
        }
    }
}
