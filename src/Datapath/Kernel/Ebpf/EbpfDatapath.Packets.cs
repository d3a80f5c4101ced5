using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Packets that came up, and how they go back.</content>
public sealed partial class EbpfDatapath
{
    /// <summary>A packet that no flow in the kernel fits.</summary>
    internal void Miss(PacketBuffer packet, ref FlowKey key, uint passes)
    {
        var now = Now();
        if (_flows.Find(in key) is { } known)
        {
            _flows.CountSlow(known, packet.Size, now, key.TcpFlags);
            Run(packet, in key, known, passes);
            return;
        }

        if (_handler is not { } handler || _isRestoring)
        {
            _slowPath.Drops.Add(DropReason.UpcallQueueFull);
            return;
        }

        var verdict = handler.Miss(packet, key, out var mask);
        var actions = verdict.Actions.IsDefault ? [] : verdict.Actions;
        if (verdict.Install && _flows.Put(in key, in mask, actions, out var flow)
            is FlowPutResult.Added or FlowPutResult.Replaced && flow is not null)
        {
            Run(packet, in key, flow, passes);
            return;
        }

        Run(packet, in key, actions, tunnel: 0, passes);
    }

    /// <summary>A packet of a tunnel's sockets.</summary>
    internal void Receive(PacketBuffer packet, ref FlowKey key)
    {
        // The kernel's key holds the first eight bytes of options: more need the whole table.
        if (key.TunnelOptionsSize > 8)
        {
            Miss(packet, ref key, passes: 0);
            return;
        }

        var slot = _injector.Rent();
        try
        {
            Send(slot, packet, in key, row: 0, tunnel: 0, passes: 0);
        }
        finally
        {
            _injector.Return(slot);
        }
    }

    /// <summary>Does what the kernel could not, then sends the packet back for the rest.</summary>
    internal void Continue(
        PacketBuffer packet, ref FlowKey key, ImmutableArray<DatapathAction> rest, uint tunnel,
        uint passes)
    {
        var own = 0;
        while (own < rest.Length && !StepEncoder.CanDo(rest[own])) own++;
        if (own == 0 && rest is [SetTunnelAction or RecirculateAction, ..])
        {
            RecirculateWithTunnel(packet, ref key, rest, tunnel, passes);
            return;
        }

        if (own > 0 && rest[own - 1] is TruncateAction)
        {
            rest = SendCut(packet, in key, rest, --own, tunnel, passes);
        }

        var left = rest.Slice(own, rest.Length - own);
        if (left.IsEmpty || Changed(packet, in key, rest.Slice(0, own)) is not { } changed) return;
        Run(changed, in key, left, tunnel, passes);
    }

    /// <summary>Sends what the cut at 'cut' is for; returns what is left for the whole.</summary>
    /// <remarks>
    /// Headers that change between the cut and its output are the managed executor's on the cut
    /// packet, where the kernel may miss some of them, and the kernel's on the whole one.
    /// </remarks>
    private ImmutableArray<DatapathAction> SendCut(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> rest, int cut,
        uint tunnel, uint passes)
    {
        var end = cut + 1;
        while (end < rest.Length && StepEncoder.IsEdit(rest[end])) end++;
        if (end == rest.Length || rest[end] is not OutputAction) return rest.RemoveAt(cut);
        var tunnels = rest.Slice(0, end).RemoveAll(action => action is not SetTunnelAction);
        var edits = rest.Slice(0, end).RemoveAll(action => action is SetTunnelAction);
        if (Changed(packet, in key, edits) is { } piece)
        {
            Run(piece, in key, tunnels.Add(rest[end]), tunnel, passes);
        }

        return rest.RemoveAt(end).RemoveAt(cut);
    }

    /// <summary>A copy of 'packet' behind these actions; null when they dropped it.</summary>
    private PacketBuffer? Changed(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions)
    {
        _collected = null;
        _managed.Execute(packet, in key, actions.Add(new OutputAction(CollectorNumber)));
        var changed = _collected;
        _collected = null;
        return changed;
    }

    private void RecirculateWithTunnel(
        PacketBuffer packet, ref FlowKey key, ImmutableArray<DatapathAction> rest, uint tunnel,
        uint passes)
    {
        if (Specs.FindTunnel(tunnel) is { } outer) TunnelMetadataKey.ToKey(outer, ref key);
        Run(packet, in key, rest, tunnel, passes);
    }

    private void Run(PacketBuffer packet, in FlowKey key, KernelFlow flow, uint passes)
    {
        if (flow.Program is not { IsWhole: true } program)
        {
            Run(packet, in key, flow.Actions, tunnel: 0, passes);
            return;
        }

        var slot = _injector.Rent();
        Send(slot, packet, in key, program.Row, tunnel: 0, passes);
        _injector.Return(slot);
    }

    /// <summary>Runs the actions of a packet that cannot be tracked.</summary>
    internal void RunInvalid(PacketBuffer packet, in FlowKey key, in InterruptedActions at)
    {
        var slot = _injector.Rent();
        Run(slot, _flows.Encode(at.Rest, Injector.RowOf(slot), hasConntrackRest: false),
            packet, in key, at.Tunnel, at.Passes);
    }

    /// <summary>Has the kernel track a packet, which then comes up again.</summary>
    internal void RunTracked(
        PacketBuffer packet, in FlowKey key, ConntrackAction action, uint trip, uint passes)
    {
        var slot = _injector.Rent();
        Run(slot, _flows.Encode(action, Specs.OfTrip(trip), Injector.RowOf(slot)),
            packet, in key, tunnel: 0, passes);
    }

    /// <summary>Goes on behind a conntrack action that is done.</summary>
    internal void RunBehind(PacketBuffer packet, in FlowKey key, in InterruptedActions at) =>
        Run(packet, in key, at.Rest.RemoveAt(0), at.Tunnel, at.Passes);

    internal void Run(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions, uint tunnel,
        uint passes)
    {
        var slot = _injector.Rent();
        Run(slot, _flows.Encode(actions, Injector.RowOf(slot)), packet, in key, tunnel, passes);
    }

    private void Run(
        int slot, StepProgram program, PacketBuffer packet, in FlowKey key, uint tunnel,
        uint passes)
    {
        try
        {
            if (!program.IsWhole) _slowPath.Drops.Add(DropReason.FlowLimit);
            else Send(slot, packet, in key, program.Row, tunnel, passes);
        }
        finally
        {
            _injector.Return(slot);
            _flows.Free(program);
        }
    }

    private void Send(
        int slot, PacketBuffer packet, in FlowKey key, uint row, uint tunnel, uint passes)
    {
        if (!_injector.Send(slot, packet, KernelKey.Of(in key, Specs.Epoch), row, tunnel, passes))
        {
            _slowPath.Drops.Add(DropReason.PortQueueFull);
        }
    }
}
