using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

/// <summary>What an operator reads on `fabric net status` of rows that cannot work.</summary>
public sealed class NetworkConditionTests
{
    private static string[] ConditionsOf(LogicalLab lab, TunnelKeys? keys = null)
    {
        var compiler = new LogicalCompiler();
        return
        [
            .. compiler.Compile(lab.Database, keys ?? lab.Keys, HostView.Empty("host1"))
                .Conditions.Select(condition => $"{condition}"),
        ];
    }

    [Theory]
    [InlineData("02:00:00:00:00:0a 10.0.0.99", "02:00:00:00:00:0a is also that of port")]
    [InlineData("02:00:00:00:00:99 10.0.0.10", "10.0.0.10 is also that of port")]
    public void Two_ports_of_one_address(string addresses, string text) =>
        Assert.Contains(text, Assert.Single(ChangedB("addresses", Datum.Strings([addresses]))));

    [Fact]
    public void Two_networks_of_one_router_that_overlap()
    {
        var lab = Lab();
        lab.Change(Operation.UpdateRow(
            "Logical_Router_Port", Find(lab, "Logical_Router_Port", "r-t").Uuid,
            new ColumnValue("networks", Datum.Strings(["10.0.0.129/25"]))));
        Assert.Contains(ConditionsOf(lab), text => text.Contains("overlaps")
            && text.Contains("router \"r\""));
    }

    [Fact]
    public void A_port_that_leads_to_no_router() => Assert.Contains(
        "there is no router port \"gone\"",
        Assert.Single(ChangedB(
            "type", "router", "options", Map(("router-port", "gone")))));

    [Fact]
    public void A_port_of_hardware_that_nobody_speaks_with() => Assert.Contains(
        "type vtep: stored only", Assert.Single(ChangedB("type", "vtep")));

    [Fact]
    public void A_row_that_no_key_was_left_for()
    {
        var lab = Lab();
        var owner = Find(lab, "Logical_Switch", "t").Uuid;
        var keys = lab.Keys with { Datapaths = lab.Keys.Datapaths.Remove(owner) };
        Assert.Contains(ConditionsOf(lab, keys), text =>
            text.Contains($"{owner}") && text.Contains("no tunnel key is left"));
    }

    [Fact]
    public void An_expression_that_does_not_parse_has_its_row_and_position_and_spares_others()
    {
        var lab = Lab();
        lab.Change(
        [
            .. Acl(lab, "outport == \"b\" && tcp.dst =="), .. Acl(lab, "outport == \"c\" && ip4"),
        ]);
        var compiler = new LogicalCompiler();
        var host = HostView.Empty("host2") with
        {
            Interfaces = HostView.Empty("host2").Interfaces.Add("b", 1).Add("c", 2),
        };
        var result = compiler.Compile(lab.Database, lab.Keys, host);
        var row = lab.Database.Table("ACL").Rows.Single(
            each => each.GetString("match").EndsWith("==", StringComparison.Ordinal));
        var text = $"{Assert.Single(result.Conditions)}";
        Assert.Contains($"{row.Uuid}", text);
        Assert.Matches("[0-9]", text.Replace($"{row.Uuid}", "", StringComparison.Ordinal));
        var good = lab.Database.Table("ACL").Rows.Single(each => each.Uuid != row.Uuid);
        Assert.Contains(compiler.Flows.All, flow =>
            flow.Identity.Priority == 1000 + good.GetInteger("priority"));
    }

    private static Operation[] Acl(LogicalLab lab, string match) => Owned(
        lab, ("Logical_Switch", "s", "acls"), "ACL", new("direction", "to-lport"),
        new("priority", match.Length), new("match", match), new("action", "drop"));

    private static string[] ChangedB(string column, Datum value) => ChangedB((column, value));

    private static string[] ChangedB(
        string column, Datum value, string other, Datum otherValue) =>
        ChangedB((column, value), (other, otherValue));

    private static string[] ChangedB(params (string Column, Datum Value)[] columns)
    {
        var lab = Lab();
        Assert.Empty(ConditionsOf(lab));
        lab.Change(Operation.UpdateRow(
            "Logical_Switch_Port", Find(lab, "Logical_Switch_Port", "b").Uuid,
            [.. columns.Select(each => new ColumnValue(each.Column, each.Value))]));
        return ConditionsOf(lab);
    }
}
