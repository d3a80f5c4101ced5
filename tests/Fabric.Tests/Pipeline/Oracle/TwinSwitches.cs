using Fabric.Controllers;
using Fabric.Tests.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>A bridge br0 of a real ovs-vswitchd and one of ours, with the same ports.</summary>
public abstract class TwinSwitches : SwitchWorld
{
    private const int PortCount = 3;

    private readonly VswitchdOracle _oracle = new();

    protected TwinSwitches()
    {
        _oracle.Vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure "
            + "other_config:hwaddr=02:00:00:00:00:01");
        for (var i = 1; i <= PortCount; i++)
        {
            _oracle.Vsctl($"add-port br0 p{i} -- set interface p{i} type=dummy "
                + $"ofport_request={i}");
        }

        var bridge = Bridge("br0", [
            .. Enumerable.Range(1, PortCount).Select(i => Port($"p{i}", request: i))])
            with
        { FailMode = "secure" };
        Want(bridge);
        Directory.CreateDirectory(_oracle.In("ours"));
        var listeners = Sys.ActorOf(
            OpenFlowListenersActor.Props(_oracle.In("ours"), TimeProvider.System), "openflow");
        listeners.Tell(new ServeOpenFlow("br0", BridgeRef("br0"), bridge), TestActor);
        Until(() => ListeningSocket.IsAt(_oracle.In("ours/br0.mgmt")), "our socket");
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _oracle.Dispose();
    }

    protected string TheirSocket => _oracle.In("br0.mgmt");

    protected string OurSocket => _oracle.In("ours/br0.mgmt");

    private protected RawConnection Theirs(OfVersion version) => new(TheirSocket, version);

    private protected RawConnection Ours(OfVersion version) => new(OurSocket, version);

    /// <summary>A file with this text, for ovs-ofctl.</summary>
    protected string FileOf(string name, string text)
    {
        File.WriteAllText(_oracle.In(name), text);
        return _oracle.In(name);
    }
}
