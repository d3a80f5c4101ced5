using System.Collections.Concurrent;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>The virtual switch: NICs, vports, netdev, and the one event there is.</content>
public sealed partial class OvsextEmulator
{
    private readonly SortedDictionary<uint, EmulatedVport> _vports = [];
    private readonly Dictionary<string, bool> _nics = new(StringComparer.Ordinal);

    /// <summary>Who takes a port's packets; read by packet threads, which hold no lock.</summary>
    private readonly ConcurrentDictionary<uint, uint> _pids = new();

    private sealed class EmulatedVport
    {
        public required uint Number { get; init; }
        public required string Name { get; init; }
        public required OvsVportType Type { get; init; }
        public uint Pid { get; set; }
        public OvsTunnelOptions? Options { get; init; }
    }

    /// <summary>
    /// Connects a NIC with this friendly name to the virtual switch. Its vport, if it had one,
    /// is bound again, and nobody is told.
    /// </summary>
    public void ConnectNic(string friendlyName)
    {
        lock (_gate) _nics[friendlyName] = true;
    }

    /// <summary>The VM stops: the vport stays, and its link goes down with an event.</summary>
    public void DisconnectNic(string friendlyName)
    {
        EmulatedVport? vport;
        lock (_gate)
        {
            if (!_nics.ContainsKey(friendlyName)) return;
            _nics[friendlyName] = false;
            vport = _vports.Values.FirstOrDefault(candidate => candidate.Name == friendlyName);
        }

        if (vport is null) return;
        var bytes = new byte[512];
        var writer = new NetlinkWriter(bytes);
        MessageOf(vport, withStatistics: false).Write(ref writer, new OvsHeader(
            OvsFamilyIds.Ovsext.Vport, 0, 0, 0, OvsCommand.Delete, 1));
        Post(OvsFamilyIds.OvsextVportGroup, writer.Written.ToArray());
    }

    /// <summary>The NIC in memory that a vport is bound to; null when there is none.</summary>
    public MemoryPort? FindNic(string friendlyName) => Packets.FindMemoryPort(friendlyName);

    /// <summary>Names of all vports, for tools and tests.</summary>
    public IReadOnlyList<(uint Number, string Name)> Vports
    {
        get
        {
            lock (_gate) return [.. _vports.Values.Select(vport => (vport.Number, vport.Name))];
        }
    }

    private void Post(uint group, byte[] message)
    {
        foreach (var handle in _handles.Values)
        {
            if (handle.IsIn(group)) handle.QueueEvent(message);
        }
    }

    private int Vport(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (!OvsVportMessage.TryParse(message, out var wanted, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (message.Header.Command == OvsCommand.New)
        {
            return NewVport(wanted, in message, ref answer);
        }

        var vport = _vports.Values.FirstOrDefault(candidate =>
            wanted.PortNumber is { } number
                ? candidate.Number == number
                : candidate.Name == wanted.Name);
        if (vport is null) return OvsErrorCatalogue.NoDevice;
        switch (message.Header.Command)
        {
            case OvsCommand.Delete:
                _vports.Remove(vport.Number);
                _pids.TryRemove(vport.Number, out _);
                MessageOf(vport, withStatistics: true).Write(ref answer, Answer(in message));
                Packets.Ports.Remove(vport.Number);
                return 0;
            case OvsCommand.Set:
                if (wanted.Options is not null) return OvsErrorCatalogue.NotSupported;
                if (!wanted.UpcallPids.IsEmpty)
                {
                    vport.Pid = _pids[vport.Number] = wanted.UpcallPids[0];
                }

                MessageOf(vport, withStatistics: true).Write(ref answer, Answer(in message));
                return 0;
            case OvsCommand.Get:
                MessageOf(vport, withStatistics: true).Write(ref answer, Answer(in message));
                return 0;
            default:
                return OvsErrorCatalogue.Invalid;
        }
    }

    private int NewVport(
        OvsVportMessage wanted, in OvsMessage message, ref NetlinkWriter answer)
    {
        if (wanted.Name is not { Length: > 0 } name || wanted.Type is not { } type)
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (_vports.Values.Any(vport => vport.Name == name)) return OvsErrorCatalogue.Exists;
        if (wanted.PortNumber is { } number && (number is 0 or > 65_535
            || _vports.ContainsKey(number)))
        {
            return number is 0 or > 65_535 ? OvsErrorCatalogue.Invalid : OvsErrorCatalogue.Exists;
        }

        var kind = KindOf(type);
        if (type is not (OvsVportType.Netdev or OvsVportType.Internal))
        {
            if (kind is null) return OvsErrorCatalogue.NotSupported;
            // A second tunnel on the same port: "done", without an answer, and not there.
            if (_vports.Values.Any(vport => vport.Type == type
                && vport.Options?.DestinationPort == wanted.Options?.DestinationPort))
            {
                return 0;
            }
        }
        else if (!Profile.UsesDevices && !_nics.GetValueOrDefault(name))
        {
            return OvsErrorCatalogue.Invalid; // No port with this friendly name.
        }

        if (!Packets.Ports.TryAdd(SpecOf(wanted, name, type, kind), out var port, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        var added = new EmulatedVport
        {
            Number = port.Number,
            Name = name,
            Type = type,
            Pid = wanted.UpcallPids.IsEmpty ? 0 : wanted.UpcallPids[0],
            Options = wanted.Options,
        };
        _vports.Add(port.Number, added);
        _pids[port.Number] = added.Pid;
        MessageOf(added, withStatistics: true).Write(ref answer, Answer(in message));
        return 0;
    }

    private DatapathPortSpec SpecOf(
        OvsVportMessage wanted, string name, OvsVportType type, TunnelKind? kind)
    {
        if (!Profile.UsesDevices)
        {
            return new DatapathPortSpec(name, DatapathPortKind.Memory, wanted.PortNumber);
        }

        return kind is { } tunnel
            ? new DatapathPortSpec(
                name, DatapathPortKind.Tunnel, wanted.PortNumber,
                Tunnel: new TunnelPortSpec(tunnel, wanted.Options?.DestinationPort ?? 0))
            : new DatapathPortSpec(
                name,
                type == OvsVportType.Internal ? DatapathPortKind.Internal : DatapathPortKind.System,
                wanted.PortNumber);
    }

    private TunnelKind? KindOf(OvsVportType type) => type switch
    {
        OvsVportType.Geneve => TunnelKind.Geneve,
        OvsVportType.Vxlan => TunnelKind.Vxlan,
        OvsVportType.Gre => TunnelKind.Gre,
        OvsVportType.Stt when Profile.HasStt => TunnelKind.Stt,
        _ => null,
    };

    private OvsVportMessage MessageOf(EmulatedVport vport, bool withStatistics) => new()
    {
        PortNumber = vport.Number,
        Type = vport.Type,
        Name = vport.Name,
        Options = withStatistics ? vport.Options : null,
        UpcallPids = [vport.Pid],
        Statistics = withStatistics && Packets.Ports.Statistics(vport.Number) is { } counted
            ? new OvsVportStatistics(
                counted.RxPackets, counted.TxPackets, counted.RxBytes, counted.TxBytes,
                counted.RxErrors, counted.TxErrors, counted.RxDropped, counted.TxDropped)
            : null,
    };

    private List<byte[]> DumpVports(OvsHeader header)
    {
        var all = new List<byte[]>();
        var bytes = new byte[1024];
        foreach (var vport in _vports.Values)
        {
            var writer = new NetlinkWriter(bytes);
            MessageOf(vport, withStatistics: true).Write(
                ref writer, header with { Flags = NetlinkFlags.Multi });
            all.Add(writer.Written.ToArray());
        }

        return all;
    }

    private int Netdev(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (message.Header.Command != OvsNetdevCommand.Get
            || !OvsNetdevMessage.TryParse(message, out var wanted, out _)
            || wanted.Name is not { } name)
        {
            return OvsErrorCatalogue.Invalid;
        }

        var port = Packets.Ports.Dump().FirstOrDefault(candidate => candidate.Name == name);
        var isThere = Profile.UsesDevices
            ? port is not null
            : _nics.TryGetValue(name, out _);
        if (!isThere) return OvsErrorCatalogue.NoDevice;
        var vport = _vports.Values.FirstOrDefault(candidate => candidate.Name == name);
        var isUp = Profile.UsesDevices ? port!.IsLinkUp : _nics[name];
        new OvsNetdevMessage
        {
            PortNumber = vport?.Number,
            Type = vport?.Type ?? OvsVportType.Netdev,
            Name = name,
            Mac = port?.Mac ?? default,
            Mtu = (uint)(port?.Mtu ?? 1500),
            Flags = isUp ? OvsNetdevFlags.Up : OvsNetdevFlags.None,
        }.Write(ref answer, Answer(in message));
        return 0;
    }
}
