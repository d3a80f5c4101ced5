using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

/// <summary>Chains of policies, and meters of what is handed to the control plane.</summary>
public sealed class PolicyChainTests
{
    private static readonly MacBytes Router = MacBytes.FromUInt64(0x02_0000_0000_fe);

    private static Operation[] Policy(
        LogicalLab lab, int priority, string match, string action, string chain = "",
        string jump = "") => Owned(
            lab, ("Logical_Router", "r", "policies"), "Logical_Router_Policy",
            new("priority", priority), new("match", match), new("action", action),
            new("chain", chain.Length == 0 ? Datum.EmptySet : chain),
            new("jump_chain", jump.Length == 0 ? Datum.EmptySet : jump));

    [Fact]
    public void A_jump_goes_on_in_the_chain_and_nowhere_else()
    {
        var lab = Lab();
        lab.Change(
        [
            .. Policy(lab, 100, "ip4.src == 10.0.0.10", "jump", jump: "strict"),
            .. Policy(lab, 200, "udp", "drop", chain: "strict"),
        ]);
        bool Passes(string from, byte protocol) => lab.Send(
            from, LabPackets.Ip(Port(from), Router, Port("far").Ips[0], protocol, 4000, 53))
            .Count == 1;
        Assert.True(Passes("a", IpProtocol.Tcp));
        Assert.False(Passes("a", IpProtocol.Udp));
        Assert.True(Passes("b", IpProtocol.Udp));
    }

    [Fact]
    public void Punts_of_a_protected_router_pass_the_meter_of_their_kind()
    {
        var lab = Lab();
        var (band, meter, copp) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        lab.Change(
            new Operation.Insert("Meter_Band", [new("action", "drop"), new("rate", 10)], band),
            new Operation.Insert(
                "Meter",
                [
                    new("name", "slow"), new("unit", "pktps"),
                    new("bands", Datum.References([band])),
                ],
                meter),
            new Operation.Insert(
                "Copp", [new("name", "protect"), new("meters", Map(("arp", "slow")))], copp),
            Operation.UpdateRow(
                "Logical_Router", Find(lab, "Logical_Router", "r").Uuid,
                new ColumnValue("copp", Datum.References([copp]))));
        var flows = lab.Hosts["host1"].Compiler.Flows.All.ToList();
        var learns = flows.Where(flow => flow.Identity.Table == RouterIngress.LearnNeighbor
            && flow.Actions.Any(action => action is OfClone)).ToList();
        Assert.NotEmpty(learns);
        Assert.All(learns, flow => Assert.IsType<OfMeter>(
            flow.Actions.OfType<OfClone>().Single().Actions[0]));

        // Requests that wait for an answer are another kind.
        Assert.Contains(flows, flow => flow.Identity.Table == RouterIngress.ArpRequest
            && flow.Actions.Any(action => action is OfController));
    }
}
