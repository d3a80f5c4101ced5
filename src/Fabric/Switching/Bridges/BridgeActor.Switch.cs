using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <content>The switch protocol: changes, questions, subscribers.</content>
public sealed partial class BridgeActor
{
    private void ReceiveSwitchProtocol()
    {
        Receive<ApplyChanges>(changes => Sender.Tell(Apply(changes)));
        Receive<AskSwitch>(ask => Sender.Tell(Answer(ask)));
        Receive<SubscribeSwitch>(subscribe =>
        {
            if (!_state.Subscribers.Contains(subscribe.Subscriber))
            {
                _state.Subscribers = _state.Subscribers.Add(subscribe.Subscriber);
            }

            Context.Watch(subscribe.Subscriber);
            subscribe.Subscriber.Tell(new TlvTableChanged(_state.Pipeline.Current.Tlv));
        });
        Receive<FlowMonitorsChanged>(changed => _state.IsMonitored = changed.Wanted);
        Receive<MissesAskedFor>(asked =>
        {
            if (_state.SendsMisses == asked.Wanted) return;
            _state.SendsMisses = asked.Wanted;
            Republish();
        });
        Receive<FailModeChanged>(changed => SetStandalone(changed.IsStandalone));
        Receive<ControllersObserved>(observed => Context.Parent.Tell(observed));
    }

    private ChangesApplied Apply(ApplyChanges request)
    {
        var failures = ImmutableArray.CreateBuilder<ChangeFailure>();
        var changes = new List<SwitchChange>(request.Changes.Length);
        var places = new List<int>(request.Changes.Length);
        var packets = new List<OfPacketOut>();
        for (var i = 0; i < request.Changes.Length; i++)
        {
            if (_tables.Takes(request.Changes[i].Message))
            {
                changes.Add(request.Changes[i]);
                places.Add(i);
                continue;
            }

            if (request.Changes[i].Message is OfPacketOut packet)
            {
                packets.Add(packet);
                continue;
            }

            var error = ApplyToPorts(request.Changes[i].Message);
            if (error == OfErrorCode.None) continue;
            failures.Add(new ChangeFailure(i, error));
            if (!request.IsAtomic) continue;
            return new ChangesApplied(request.RequestId, failures.ToImmutable());
        }

        var refused = _tables.Apply(
            CollectionsMarshal.AsSpan(changes), request.IsAtomic, request.Origin);
        foreach (var (index, error) in refused)
        {
            failures.Add(new ChangeFailure(places[index], error));
        }

        if (failures.Count == 0)
        {
            var outs = new PacketOuts(_state, Datapath, _store.Time.Milliseconds());
            foreach (var packet in packets) outs.Send(packet);
        }

        return new ChangesApplied(request.RequestId, failures.ToImmutable());
    }

    private OfErrorCode ApplyToPorts(OfMessage message)
    {
        switch (message)
        {
            case PortMod mod:
                return Configure(mod);
            default:
                return OfErrorCode.RequestBadType;
        }
    }

    private OfErrorCode Configure(PortMod mod)
    {
        if (Datapath?.Current.Bridges.GetValueOrDefault(_state.Name) is not { } bridge
            || !bridge.Ports.TryGetValue(mod.Port, out var port))
        {
            return OfErrorCode.PortModBadPort;
        }

        if (mod.Address is { } address && address != port.Mac) return OfErrorCode.PortModBadAddress;
        var config = (port.Config & ~mod.Mask) | (mod.Config & mod.Mask);
        if (config == port.Config) return OfErrorCode.None;
        _state.Configure(port.Name, config);
        Republish();
        return OfErrorCode.None;
    }

    private SwitchAnswered Answer(AskSwitch ask)
    {
        var requests = new SwitchRequests(_state, Datapath, _store.Time.Milliseconds());

        // What changes after the flows of the reply were read is told.
        if (ask.Request is OfFlowMonitorRequest) _state.IsMonitored = true;
        if (ask.Request is OfTlvTableMod mod)
        {
            var error = _state.Pipeline.ChangeTlvTable(mod, _store.Time.Milliseconds());
            if (error == OfErrorCode.None)
            {
                LetOptionsIn();
                _state.Tell(new TlvTableChanged(_state.Pipeline.Current.Tlv));
            }

            return new SwitchAnswered(ask.RequestId, null, error);
        }

        var code = requests.TryAnswer(ask.Request, out var reply);
        return new SwitchAnswered(ask.RequestId, reply, code);
    }

    /// <summary>The datapath drops packets with critical options that nobody mapped.</summary>
    private void LetOptionsIn()
    {
        if (Datapath?.Provider is not Fabric.Datapath.UserspaceDatapath managed) return;
        foreach (var mapping in _state.Pipeline.Current.Tlv.Mappings)
        {
            managed.GeneveOptions.Accept(mapping.OptionClass, mapping.OptionType);
        }
    }

    /// <summary>Without its controllers the bridge forwards like a learning switch.</summary>
    private void SetStandalone(bool isStandalone)
    {
        var outcome = _state.Pipeline.SetFailOpen(isStandalone, _store.Time.Milliseconds());
        _datapath.Tell(new DecisionsChanged());
        _state.Report(outcome, 0, null, _state.IsMonitored);
    }
}
