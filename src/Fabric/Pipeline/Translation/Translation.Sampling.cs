using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Packets for the bridge's sFlow collectors.</content>
internal sealed partial class Translation
{
    private const uint SeveralOutputs = 0x8000_0000;
    private const uint Dropped = 0x4000_0000;

    /// <summary>sFlow's reason for a drop: it is not known.</summary>
    private const uint UnknownReason = 256;

    private int _sampleAt = -1;
    private int _outputs;
    private int _outputInterface;

    /// <summary>Holds the place of the sample, which is taken before anything happens.</summary>
    private void BeginSampling()
    {
        (_outputs, _outputInterface) = (0, 0);
        _sampleAt = _bridge.SflowProbability == 0 || _flow.InPort == OfPort.None
            ? -1 : _actions.Count;
        if (_sampleAt >= 0) _actions.Add(new CloneAction([]));
    }

    private void NoteOutput(PortSnapshot port)
    {
        _outputs++;
        _outputInterface = port.InterfaceIndex;
    }

    /// <summary>Now it is known where the packet goes: the sample says it.</summary>
    private void EndSampling()
    {
        if (_sampleAt < 0) return;
        var output = _outputs switch
        {
            0 => Dropped | UnknownReason,
            1 when _outputInterface != 0 => (uint)_outputInterface,
            _ => SeveralOutputs | (uint)_outputs,
        };
        var tci = KeyCommit.Host(_packet.VlanTci0Wire);
        var sample = new UserspaceAction(new UpcallUserdata(
            UpcallKind.Sflow, SampledPacket.CookieOf(tci, output), []));
        _actions[_sampleAt] = _bridge.SflowProbability == uint.MaxValue
            ? sample : new SampleAction(_bridge.SflowProbability, [sample]);
        _sampleAt = -1;
    }
}
