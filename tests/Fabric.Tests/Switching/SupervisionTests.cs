using Akka.Actor;
using Fabric.Controllers;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Switching;

/// <summary>Bridge, port and datapath actors come back, and packets do not wait for them.</summary>
public sealed class SupervisionTests : SwitchWorld
{
    /// <summary>A message that no actor can bear: its content is null where none may be.</summary>
    private static object Poison(string actor) => actor switch
    {
        "/user/datapath" => new OpenInterface(0, "br0", "dummy", null!),
        "/user/bridges/br0" => new ApplyChanges(0, [new SwitchChange(null!, 0), default], true),
        "/user/bridges/br0/p1" => new InterfaceOpened(2, null!, null, null, null, null),
        _ => new BridgesWanted(0, null!),
    };

    [Theory]
    [InlineData("/user/bridges/br0", "throws")]
    [InlineData("/user/bridges/br0", "is killed")]
    [InlineData("/user/bridges/br0", "is stopped")]
    [InlineData("/user/bridges/br0/p1", "throws")]
    [InlineData("/user/bridges/br0/p1", "is killed")]
    [InlineData("/user/bridges/br0/p1", "is stopped")]
    [InlineData("/user/datapath", "throws")]
    public void It_is_back_within_a_second_and_traffic_goes_on(string path, string fate)
    {
        Want(Bridge("br0", Port("p1"), Port("p2"), Port("p3")));
        Apply("br0", FlowMod.Add(
            0, 10, new MatchBuilder().Set(MatchField.InPortOxm, 1).Build(), [new OfOutput(2)]));
        Assert.Equal(["p2"], Send("p1", Frame(1, 2), "p2", "p3"));
        var victim = Resolve(path);
        switch (fate)
        {
            case "throws": victim.Tell(Poison(path)); break;
            case "is killed": victim.Tell(Kill.Instance); break;
            default: Sys.Stop(victim); break;
        }

        // Cached and uncached packets pass at every moment.
        var started = Environment.TickCount64;
        for (byte i = 0; Environment.TickCount64 - started < 700; i++)
        {
            Assert.Equal(["p2"], Send("p1", Frame(i, 2), "p2", "p3"));
            Thread.Yield();
        }

        // And the actors work again: a new port and a new flow take effect.
        Want(Bridge("br0", Port("p1"), Port("p2"), Port("p3"), Port("p4")));
        Apply("br0", FlowMod.Add(
            0, 11, new MatchBuilder().Set(MatchField.InPortOxm, 1).Build(), [new OfOutput(4)]));
        Until(() => Send("p1", Frame(1, 2), "p2", "p4") is ["p4"], "the new flow decides");
    }
}
