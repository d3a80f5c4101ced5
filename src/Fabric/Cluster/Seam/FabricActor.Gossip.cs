using Akka.Actor;

namespace Fabric.Cluster;

public sealed partial class FabricActor
{
    private static readonly string[] GossipNames =
        [VtepsName, PortsName, LearnedName, ReportsName];

    private static readonly string[] ChildNames = [.. GossipNames, WriterName];

    private PublishVteps? _ownVteps;
    private ClaimPorts? _ownPorts;
    private VoteForGateways? _ownVotes;
    private NorthboundApplied? _ownApplied;
    private RequestedChassisChanged? _requested;

    /// <summary>Between host/cluster and the actors that gossip; both ways unchanged.</summary>
    private void ReceiveGossip()
    {
        Receive<PublishVteps>(publish => Context.Child(VtepsName).Tell(_ownVteps = publish));
        Receive<ClaimPorts>(claim => Context.Child(PortsName).Tell(_ownPorts = claim));
        Receive<RequestedChassisChanged>(changed =>
            Context.Child(PortsName).Tell(_requested = changed));
        Receive<LearnAddresses>(learn => Context.Child(LearnedName).Tell(learn));
        Receive<ForgetAddresses>(forget => Context.Child(LearnedName).Tell(forget));
        Receive<VoteForGateways>(vote => Context.Child(ReportsName).Tell(_ownVotes = vote));
        Receive<HostLoad>(load => Context.Child(ReportsName).Tell(load));
        Receive<NorthboundApplied>(applied =>
            Context.Child(ReportsName).Tell(_ownApplied = applied));
        Receive<SeamChildStarted>(_ => TellAgain(Sender));

        Receive<VtepsChanged>(changed => _hostSide.Tell(changed));
        Receive<LearnedAddressesChanged>(changed => _hostSide.Tell(changed));
        Receive<GatewaysElected>(elected => _hostSide.Tell(elected));
        Receive<HostLoadsChanged>(changed => _hostSide.Tell(changed));
        Receive<HostsAppliedChanged>(changed => _hostSide.Tell(changed));
        Receive<PortLocationsChanged>(changed =>
        {
            _located = changed;
            _hostSide.Tell(changed);
            _writer.Tell(changed);
        });
    }

    private void TellAgain(IActorRef child)
    {
        child.Tell(_members);
        object?[] own = child.Path.Name switch
        {
            VtepsName => [_ownVteps],
            PortsName => [_requested, _ownPorts],
            ReportsName => [_ownVotes, _ownApplied],
            _ => [],
        };
        foreach (var message in own)
        {
            if (message is not null) child.Tell(message);
        }
    }
}
