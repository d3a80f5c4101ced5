using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

public sealed class NetworkPlanTests
{
    [Theory]
    [InlineData("three-tier.yaml")]
    [InlineData("flat.yaml")]
    public void Applying_twice_changes_nothing_the_second_time(string name)
    {
        var document = ExampleNetworks.Read(name);
        var database = LogicalLab.NorthboundOf(document);
        Assert.Empty(NetworkPlan.Of(document, database).Operations);
    }

    [Fact]
    public void A_new_network_is_planned_in_words()
    {
        var plan = NetworkPlan.Of(ExampleNetworks.Read("flat.yaml"), LogicalLab.EmptyNorthbound());
        Assert.Equal(
            ["+ switch lan", "+ port one of lan", "+ port two of lan"],
            plan.Steps.Select(step => step.ToString()));
    }

    [Fact]
    public void Only_what_differs_is_changed_and_what_is_gone_is_removed()
    {
        var document = ExampleNetworks.Read("three-tier.yaml");
        var database = LogicalLab.NorthboundOf(document);
        var text = ExampleNetworks.Text("three-tier.yaml")
            .Replace(
                "priority: 1000\n    match: outport == @db",
                "priority: 1100\n    match: outport == @db")
            .Replace("app2: { host: 3", "app2: { host: 2");
        var changed = NetworkDocument.Parse(text, "changed.yaml");
        var plan = NetworkPlan.Of(changed, database);
        Assert.Equal(3, plan.Steps.Length);
        Assert.Contains(
            plan.Steps, step => step.Kind == '-' && step.What.Contains("1000 outport == @db"));
        Assert.Contains(
            plan.Steps, step => step.Kind == '+' && step.What.Contains("1100 outport == @db"));
        Assert.Contains(
            plan.Steps, step => step.ToString() == "~ port app2 of back (external_ids)");

        var after = LogicalLab.Apply(database, plan.Operations);
        Assert.Empty(NetworkPlan.Of(changed, after).Operations);
        Assert.Equal(6, after.Table("ACL").Count);
    }

    [Fact]
    public void Rows_of_others_stay()
    {
        var database = LogicalLab.NorthboundOf(ExampleNetworks.Read("three-tier.yaml"));
        database = LogicalLab.Apply(
            database, [new Operation.Insert("Logical_Switch", [new ColumnValue("name", "other")])]);
        var plan = NetworkPlan.Of(ExampleNetworks.Read("flat.yaml"), database);
        Assert.DoesNotContain(plan.Steps, step => step.Kind != '+');
    }

    [Theory]
    [InlineData("three-tier.yaml")]
    [InlineData("flat.yaml")]
    public void What_is_exported_says_the_same_when_applied(string name)
    {
        var document = ExampleNetworks.Read(name);
        var database = LogicalLab.NorthboundOf(document);
        var text = NetworkExport.ToYaml(database, document.Name);
        var again = NetworkDocument.Parse(text, "export.yaml");
        Assert.Empty(NetworkPlan.Of(again, database).Steps);
    }
}
