using System.Text;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Packets for collectors: sFlow, IPFIX, the action "sample", NetFlow.</content>
internal sealed partial class Translation
{
    private const uint SeveralOutputs = 0x8000_0000;
    private const uint Dropped = 0x4000_0000;

    /// <summary>sFlow's reason for a drop: it is not known.</summary>
    private const uint UnknownReason = 256;

    /// <summary>OVS's number of no datapath port.</summary>
    private const uint NoPort = uint.MaxValue;

    private int _sampleAt = -1;
    private int _outputs;
    private int _outputInterface;
    private ushort _netflowOutput;
    private bool _floods;

    /// <summary>Holds the place of the sample, which is taken before anything happens.</summary>
    private void BeginSampling()
    {
        (_outputs, _outputInterface) = (0, 0);
        _floods = false;
        _sampleAt = _bridge.SflowProbability == 0 || _flow.InPort == OfPort.None
            ? -1 : _actions.Count;
        if (_sampleAt >= 0) _actions.Add(new CloneAction([]));
        if (_flow.InPort == OfPort.None) return;
        Export(_bridge.IpfixInputProbability, UpcallKind.Ipfix, ExportedPacket.WordsOf(NoPort));
    }

    /// <summary>The action "sample": to a set of collectors.</summary>
    private void Sample(OfSample sample)
    {
        if (!_bridge.HasCollectors) return;
        CommitChanges();
        var port = PortOf(sample.SamplingPort)?.DatapathPort ?? NoPort;
        Export(
            ((uint)sample.Probability << 16) | sample.Probability, UpcallKind.FlowSample,
            ExportedPacket.WordsOf(
                sample.Probability, sample.CollectorSetId,
                ValueOf(sample.ObservationDomainSource, sample.ObservationDomain),
                ValueOf(sample.ObservationPointSource, sample.ObservationPoint), port));
    }

    private uint ValueOf(Subfield? source, uint otherwise) =>
        source is { } field ? (uint)Read(field) : otherwise;

    private void Export(uint probability, UpcallKind kind, string words)
    {
        if (probability == 0) return;
        var action = new UserspaceAction(
            new UpcallUserdata(kind, 0, [.. Encoding.ASCII.GetBytes(words)]));
        _into.Add(probability == uint.MaxValue
            ? action : new SampleAction(probability, [action]));
    }

    /// <summary>Before a packet leaves by 'port', number 'number' of the datapath.</summary>
    private void NoteOutput(PortSnapshot port, uint number)
    {
        Export(_bridge.IpfixOutputProbability, UpcallKind.Ipfix, ExportedPacket.WordsOf(number));
        if (port.Counters is { } counted) _result.Credit(counted.Sent);
        _outputs++;
        _outputInterface = port.InterfaceIndex;
        _netflowOutput = OfPort.ToWire16(port.OpenFlowPort);
    }

    /// <summary>NetFlow tells IPv4 flows apart by what a record of version 5 has.</summary>
    private void CountForNetflow(BridgeSnapshot bridge)
    {
        if (bridge.Netflow is not { } table || !_received.IsIpv4) return;
        ref var wild = ref _wild.Flow;
        wild.Ipv4SourceWire = wild.Ipv4DestinationWire = uint.MaxValue;
        wild.NetworkProtocol = wild.NetworkTos = byte.MaxValue;
        wild.PortSourceWire = wild.PortDestinationWire = ushort.MaxValue;
        var output = _floods ? NetflowTable.Flooded : _outputs switch
        {
            0 => NetflowTable.Dropped,
            1 => _netflowOutput,
            _ => NetflowTable.Several,
        };
        var (source, destination) = (_received.PortSource, _received.PortDestination);
        if (_received.NetworkProtocol == IpProtocol.Icmp)
        {
            (source, destination) = ((ushort)0, (ushort)((source << 8) | destination));
        }

        _result.Netflow = new NetflowCredit(
            table,
            new NetflowKey(
                OfPort.ToWire16(_inPort!.OpenFlowPort), _received.Ipv4Source,
                _received.Ipv4Destination, _received.NetworkProtocol, _received.NetworkTos,
                source, destination),
            output, (byte)_received.TcpFlags);
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
