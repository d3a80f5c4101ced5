using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>What is asked of the switch, and what the connection answers itself.</content>
public sealed partial class ConnectionActor
{
    private const ushort DefaultMissSendLength = 128;

    /// <summary>NXFF_NXM: flows of OpenFlow 1.0 with Nicira's matches.</summary>
    private const uint NxmFormat = 2;

    private bool _usesNxm;
    private OfConfigFlags _configFlags;
    private ushort _missSendLength;
    private bool _missSendLengthSet;
    private ushort _controllerId;
    private bool _wantsMisses;
    private PacketInFormat _packetInFormat;
    private void OnMessage(OfMessage message, uint xid, ReadOnlyMemory<byte> frame)
    {
        switch (message)
        {
            case FlowMod or GroupMod or MeterMod or PortMod or TableMod:
                if (Refuses(xid, frame)) return;
                AddChange(message, xid, frame);
                break;
            case OfEchoRequest echo: Send(new OfEchoReply(echo.Data), xid); break;
            case OfEchoReply or OfErrorMessage or OfFlowAge or OfMultipartPart: break;
            case OfHello: SendError(OfErrorCode.RequestBadType, xid, frame); break;
            case OfBundleControl bundle: OnBundleControl(bundle, xid, frame); break;
            case OfBundleAdd add: OnBundleAdd(add, xid, frame); break;
            case OfBarrierRequest: OnBarrier(xid, frame); break;
            case OfGetConfigRequest: Ask(message, xid, frame); break;
            case OfSetConfig config: OnSetConfig(config, xid, frame); break;
            case OfDescriptionRequest: FlushChanges(); Send(Describe(), xid); break;
            case OfRoleRequest role: OnRoleRequest(role, xid, frame); break;
            case OfGetAsyncRequest: Send(new OfGetAsyncReply(_masks), xid); break;
            case OfSetAsync async: OnSetAsync(async, xid, frame); break;
            case OfSetFlowFormat format: _usesNxm = format.Format == NxmFormat; break;
            case OfFlowModTableId table: _flowModTableId = table.Enabled; break;
            case OfSetPacketInFormat format: _packetInFormat = (PacketInFormat)format.Format; break;
            case OfSetControllerId id:
                _controllerId = id.ControllerId;
                TellMisses();
                break;
            case OfFlowMonitorRequest monitor: OnMonitorRequest(monitor, xid, frame); break;
            case OfFlowMonitorCancel cancel: OnMonitorCancel(cancel, xid, frame); break;
            case OfTableFeaturesRequest { Changes: true }:
                SendError(OfErrorCode.TableFeaturesEperm, xid, frame);
                break;
            default: OnSwitchRequest(message, xid, frame); break;
        }
    }

    private void OnSwitchRequest(OfMessage message, uint xid, ReadOnlyMemory<byte> frame)
    {
        switch (message)
        {
            case OfPacketOut or OfResume or OfTlvTableMod or OfConntrackFlushZone
                or OfConntrackFlush:
                if (Refuses(xid, frame)) return;
                Ask(message, xid, frame);
                break;
            case OfFlowStatsRequest { IsAggregate: false } flows:
                OnFlowsRequest(flows, xid, frame);
                break;
            case OfStatsRequest or OfFeaturesRequest or OfQueueGetConfigRequest
                or OfTlvTableRequest:
                Ask(message, xid, frame);
                break;
            default:
                // A reply or an event, which only switches send.
                SendError(OfErrorCode.RequestBadType, xid, frame);
                break;
        }
    }

    /// <summary>Secondary controllers may only read.</summary>
    private bool Refuses(uint xid, ReadOnlyMemory<byte> frame)
    {
        if (!IsSecondary) return false;
        SendError(OfErrorCode.RequestIsSecondary, xid, frame);
        return true;
    }

    private ushort MissSendLength => _missSendLengthSet ? _missSendLength
        : _traits.Kind == ConnectionKind.Service ? (ushort)0 : DefaultMissSendLength;

    private void OnSetConfig(OfSetConfig config, uint xid, ReadOnlyMemory<byte> frame)
    {
        if (Refuses(xid, frame)) return;
        var known = OfConfigFlags.FragmentMask;
        if (_version < OfVersion.OpenFlow13) known |= OfConfigFlags.InvalidTtlToController;
        if ((config.Flags & ~known) != 0)
        {
            SendError(OfErrorCode.ConfigBadFlags, xid, frame);
            return;
        }

        _configFlags = config.Flags;
        (_missSendLength, _missSendLengthSet) = (config.MissSendLength, true);
        TellMisses();
        SetInvalidTtl((config.Flags & OfConfigFlags.InvalidTtlToController) != 0);
        _switch.Tell(new AskSwitch(Remember(new Pending(xid, frame, null, config)), config, Self));
    }

    private void TellMisses()
    {
        var wants = WantsEvents && _version < OfVersion.OpenFlow13 && _controllerId == 0;
        if (wants == _wantsMisses) return;
        _wantsMisses = wants;
        Context.Parent.Tell(new MissesWanted(wants));
    }

    private OfDescriptionReply Describe() => new(
        "Nicira, Inc.", "Open vSwitch", OpenFlowIdentity.CompatibleVersion, _settings.SerialNumber,
        _settings.Description);

    private void OnRequestFailed(OfMessage? request)
    {
        if (request is OfFlowMonitorRequest monitor) ForgetMonitors(monitor);
    }
}

/// <summary>Who the switch says it is.</summary>
public static class OpenFlowIdentity
{
    /// <summary>The Open vSwitch release whose behaviour is offered (desc, ovs_version).</summary>
    public const string CompatibleVersion = "3.7.0";
}
