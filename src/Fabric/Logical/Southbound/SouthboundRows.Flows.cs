using System.Collections.Immutable;
using System.Globalization;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Logical_Flow: what this host compiled for its datapaths, table by table.</content>
internal sealed partial class SouthboundRows
{
    private void AddFlows()
    {
        if (_picture.Flows.IsEmpty) return;
        var names = Names();
        var text = new LogicalFlowText(names);
        var datapaths = _picture.Keys.Datapaths
            .Where(pair => names.Datapaths.ContainsKey(pair.Value))
            .ToDictionary(pair => pair.Value, pair => pair.Key);
        foreach (var flow in _picture.Flows)
        {
            if (StageOf(flow.Identity.Table) is not { } stage
                || flow.Identity.Match.ExactOf(MatchField.Metadata) is not { } metadata
                || !datapaths.TryGetValue((uint)metadata, out var datapath))
            {
                continue;
            }

            AddFlow(flow, stage, datapath, (uint)metadata, text, names);
        }
    }

    private static (string Pipeline, int Table)? StageOf(byte table) => table switch
    {
        >= PhysicalTables.LogicalIngress and < 52 =>
            ("ingress", table - PhysicalTables.LogicalIngress),
        >= PhysicalTables.LogicalEgress and < PhysicalTables.SaveInport =>
            ("egress", table - PhysicalTables.LogicalEgress),
        _ => null,
    };

    private void AddFlow(
        LogicalFlow flow, (string Pipeline, int Table) stage, Guid datapath, uint key,
        LogicalFlowText text, LogicalNames names)
    {
        var (table, priority, match) = flow.Identity;
        var condition = text.Match(match, key);
        var name = StageNames.Of(table, names.Datapaths[key].IsRouter);
        var identity = string.Create(
            CultureInfo.InvariantCulture, $"{key} {table} {priority} {condition}");
        var uuid = SouthboundIds.OfFlow((uint)flow.Cookie, identity);
        if (!Takes("Logical_Flow", $"{uuid}")) return;
        Add(
            "Logical_Flow", uuid, new("logical_datapath", Datum.References([datapath])),
            new("pipeline", stage.Pipeline), new("table_id", stage.Table),
            new("priority", priority), new("match", condition),
            new("actions", text.Actions(flow.Actions, table, key)),
            new("external_ids", Map(
                ("stage-name", name), ("stage-hint", $"{(uint)flow.Cookie:x8}"))));
    }

    private LogicalNames Names()
    {
        var datapaths = ImmutableSortedDictionary.CreateBuilder<uint, (string, bool)>();
        var ports = ImmutableSortedDictionary.CreateBuilder<(uint, uint), string>();
        var wanted = _picture.Flows
            .Select(flow => (uint)(flow.Identity.Match.ExactOf(MatchField.Metadata) ?? 0))
            .ToHashSet();
        foreach (var isRouter in (bool[])[false, true])
        {
            foreach (var row in Rows(isRouter ? "Logical_Router" : "Logical_Switch"))
            {
                if (!_picture.Keys.Datapaths.TryGetValue(row.Uuid, out var key)
                    || !wanted.Contains(key))
                {
                    continue;
                }

                datapaths[key] = (row.GetString("name"), isRouter);
                foreach (var uuid in row.GetReferences("ports")) Name(key, uuid, ports);
            }
        }

        return new LogicalNames(datapaths.ToImmutable(), ports.ToImmutable());
    }

    private void Name(
        uint datapath, Guid port,
        ImmutableSortedDictionary<(uint, uint), string>.Builder ports)
    {
        var row = _northbound.Find("Logical_Switch_Port", port)
            ?? _northbound.Find("Logical_Router_Port", port);
        if (row is null || !_picture.Keys.Ports.TryGetValue(port, out var key)) return;
        ports[(datapath, key)] = row.GetString("name");
        if (_picture.Keys.ChassisRedirects.TryGetValue(port, out var redirect))
            ports[(datapath, redirect)] = $"cr-{row.GetString("name")}";
    }
}
