using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>Workloads on two switches, a router, two hosts; tests add rows.</summary>
internal static class WorkloadNetwork
{
    private const string Text = """
        network: workloads
        switches:
          s:
            ports:
              a: { host: 1, mac: "02:00:00:00:00:0a", ip: 10.0.0.10 }
              b: { host: 2, mac: "02:00:00:00:00:0b", ip: 10.0.0.11 }
              c: { host: 2, mac: "02:00:00:00:00:0c", ip: 10.0.0.12 }
          t:
            ports:
              far: { host: 1, mac: "02:00:00:00:01:0a", ip: 10.0.1.10 }
        routers:
          r:
            ports:
              r-s: { switch: s, mac: "02:00:00:00:00:fe", networks: [10.0.0.254/24] }
              r-t: { switch: t, mac: "02:00:00:00:01:fe", networks: [10.0.1.254/24] }
        """;

    public static NetworkDocument Document { get; } = NetworkDocument.Parse(Text, "workloads.yaml");

    public static LogicalLab Lab() => LogicalLab.Of(Document);

    public static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);

    public static Row Find(LogicalLab lab, string table, string name) =>
        lab.Database.Table(table).Rows.Single(row => row.GetString("name") == name);

    /// <summary>A row that a set of another row names.</summary>
    public static Operation[] Owned(
        LogicalLab lab, (string Table, string Name, string Column) owner, string table,
        params ImmutableArray<ColumnValue> values)
    {
        var row = Guid.NewGuid();
        return
        [
            new Operation.Insert(table, values, row),
            Operation.MutateRow(
                owner.Table, Find(lab, owner.Table, owner.Name).Uuid,
                new Mutation(owner.Column, Mutator.Insert, Datum.References([row]))),
        ];
    }

    public static Datum Map(params (string Key, string Value)[] pairs) => Datum.Map(
        pairs.Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));

    /// <summary>A packet as a flow hands it to the control plane.</summary>
    public static PuntOutcome Punted(byte[] packet, byte[] userdata) => ControllerActions.Handle(
        new OfPacketIn(
            EquatableArray.Create<byte>(packet), (uint)packet.Length, PacketInReason.Action, 0, 0,
            FlowMod.NoBuffer,
            new MatchBuilder().Set(MatchField.Metadata, 9ul)
                .Set(MatchField.Find("reg14")!, 7ul).Build())
        {
            Userdata = EquatableArray.Create<byte>(userdata),
        },
        ControllerServices.None);
}
