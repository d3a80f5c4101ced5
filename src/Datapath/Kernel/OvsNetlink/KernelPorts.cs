using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>The device's vports.</summary>
/// <remarks>
/// What was added is remembered, so that a device that comes back gets it again. Vports that
/// the device has from before are adopted: their packets come to our handles, and whoever asks
/// for one by name gets it with the number that it has. OVSEXT tells only of links that go
/// down: a poll by name finds those that come up, or change MTU or address.
/// Locks: this one first, then the endpoint's.
/// </remarks>
internal sealed partial class KernelPorts : IDatapathPorts
{
    private readonly Lock _gate = new();
    private readonly OvsNetlinkOptions _options;
    private readonly PortTable _slowPorts;
    private readonly Func<NetlinkConnection?> _connection;
    private readonly Func<PacketBuffer, TunnelMetadata?, uint, bool> _send;
    private readonly SortedDictionary<string, Entry> _byName = new(StringComparer.Ordinal);
    private ImmutableArray<DatapathPort> _dump = [];

    public KernelPorts(
        OvsNetlinkOptions options, PortTable slowPorts, Func<NetlinkConnection?> connection,
        Func<PacketBuffer, TunnelMetadata?, uint, bool> send)
    {
        _options = options;
        _slowPorts = slowPorts;
        _connection = connection;
        _send = send;
    }

    private sealed record Entry(DatapathPortSpec Spec, OvsVportType VportType, DatapathPort Port);

    public event Action<DatapathPortEvent>? Changed;

    public ImmutableArray<DatapathPort> Dump()
    {
        lock (_gate) return _dump;
    }

    public bool TryAdd(DatapathPortSpec spec, out DatapathPort port, out string error)
    {
        port = null!;
        lock (_gate)
        {
            if (_byName.ContainsKey(spec.Name))
            {
                error = $"could not add network device {spec.Name} to ofproto (File exists)";
                return false;
            }

            if (_connection() is not { } connection)
            {
                error = $"could not open network device {spec.Name} (the datapath is away)";
                return false;
            }

            if (VportTypeOf(spec, connection.Dialect) is not { } type)
            {
                error = $"could not open network device {spec.Name} "
                    + "(Address family not supported by protocol)";
                return false;
            }

            if (spec.Kind == DatapathPortKind.Internal
                && _options.MakeInternalPort?.Invoke(spec.Name) is { } problem)
            {
                error = $"could not open network device {spec.Name} ({problem})";
                return false;
            }

            if (!TryNew(connection, spec, type, out var number, out error)) return false;
            port = Describe(connection, spec, type, number);
            Keep(new Entry(spec, type, port));
            return true;
        }
    }

    public bool Remove(uint number)
    {
        lock (_gate)
        {
            var entry = _byName.Values.FirstOrDefault(candidate => candidate.Port.Number == number);
            if (entry is null) return false;
            _byName.Remove(entry.Spec.Name);
            Publish();
            _slowPorts.Set(number, null);
            if (_connection() is { } connection) Erase(connection, number);
            return true;
        }
    }

    public PortStatistics? Statistics(uint number)
    {
        if (_connection() is not { } connection) return null;
        return Vport(connection, number)?.Statistics is not { } counted
            ? null
            : new PortStatistics(
                counted.RxPackets, counted.TxPackets, counted.RxBytes, counted.TxBytes,
                counted.RxErrors, counted.TxErrors, counted.RxDropped, counted.TxDropped);
    }

    /// <summary>Adopts what is there, and adds again what is not.</summary>
    public void Connected(NetlinkConnection connection)
    {
        lock (_gate)
        {
            var present = Vports(connection);
            foreach (var vport in present)
            {
                if (vport.Name is not { } name || vport.PortNumber is not { } number) continue;
                if (connection.Dialect == NetlinkDialect.Linux && number == 0) continue;
                var spec = _byName.TryGetValue(name, out var known)
                    ? known.Spec
                    : SpecOf(vport, name);
                if (known is not null && known.Port.Number != number)
                {
                    _slowPorts.Set(known.Port.Number, null);
                }

                SetPid(connection, number);
                var type = vport.Type ?? OvsVportType.Netdev;
                Keep(new Entry(spec, type, Describe(connection, spec, type, number)));
            }

            var names = present.Select(vport => vport.Name).ToHashSet();
            foreach (var entry in _byName.Values.Where(
                entry => !names.Contains(entry.Spec.Name)).ToList())
            {
                var wanted = entry.Spec with { Number = entry.Port.Number };
                if (!TryNew(connection, wanted, entry.VportType, out var number, out var error))
                {
                    _options.Log?.Invoke(error);
                    continue;
                }

                if (number != entry.Port.Number) _slowPorts.Set(entry.Port.Number, null);
                var port = Describe(connection, entry.Spec, entry.VportType, number);
                Keep(entry with { Port = port });
            }
        }
    }

    /// <summary>All links are down while there is no device.</summary>
    public void DeviceLost() => Update(port => port with { IsLinkUp = false });

    /// <summary>Looks at every port; the device does not tell.</summary>
    public void Poll()
    {
        if (_connection() is not { } connection) return;
        Update(port => Netdev(connection, port));
    }

    /// <summary>A vport went down (DEL) or, with drivers that say so, up (NEW).</summary>
    public void OnEvent(ReadOnlySpan<byte> bytes)
    {
        if (!OvsMessage.TryParse(bytes, out var message, out _, out _)
            || !OvsVportMessage.TryParse(message, out var vport, out _))
        {
            _connection()?.Events.CountMalformed();
            return;
        }

        var isUp = message.Header.Command == OvsCommand.New;
        Update(port => port.Name == vport.Name || port.Number == vport.PortNumber
            ? port with { IsLinkUp = isUp }
            : port);
    }

    private void Update(Func<DatapathPort, DatapathPort> look)
    {
        var news = new List<DatapathPortEvent>();
        lock (_gate)
        {
            foreach (var entry in _byName.Values.ToList())
            {
                var seen = look(entry.Port);
                if (seen == entry.Port) continue;
                _byName[entry.Spec.Name] = entry with { Port = seen };
                news.Add(new DatapathPortEvent(DatapathPortChange.Changed, seen));
            }

            if (news.Count > 0) Publish();
        }

        foreach (var change in news) Changed?.Invoke(change);
    }

    private void Keep(Entry entry)
    {
        _byName[entry.Spec.Name] = entry;
        _slowPorts.Set(entry.Port.Number, new DevicePort(
            entry.Spec, entry.Port.Number, entry.Port.Type, _send));
        Publish();
    }

    private void Publish() =>
        _dump = [.. _byName.Values.Select(entry => entry.Port).OrderBy(port => port.Number)];

    private DatapathPort Describe(
        NetlinkConnection connection, DatapathPortSpec spec, OvsVportType type, uint number)
    {
        var text = type switch
        {
            OvsVportType.Netdev => "",
            OvsVportType.Internal => "internal",
            _ => type.ToString().ToLowerInvariant(),
        };
        var port = new DatapathPort(
            number, spec.Name, spec.Kind, text, 0, spec.Mac ?? default, spec.Mtu ?? 1500,
            IsAdminUp: true, IsLinkUp: true, LinkSpeed: 0);
        return Netdev(connection, port);
    }

    private static DatapathPortSpec SpecOf(OvsVportMessage vport, string name) => new(
        name,
        vport.Type switch
        {
            OvsVportType.Internal => DatapathPortKind.Internal,
            OvsVportType.Netdev => DatapathPortKind.System,
            _ => DatapathPortKind.Tunnel,
        },
        Tunnel: KindOf(vport.Type) is { } kind
            ? new TunnelPortSpec(kind, vport.Options?.DestinationPort ?? 0)
            : null);

    private static TunnelKind? KindOf(OvsVportType? type) => type switch
    {
        OvsVportType.Geneve => TunnelKind.Geneve,
        OvsVportType.Vxlan => TunnelKind.Vxlan,
        OvsVportType.Gre => TunnelKind.Gre,
        OvsVportType.Stt => TunnelKind.Stt,
        OvsVportType.Erspan => TunnelKind.Erspan,
        OvsVportType.Gtpu => TunnelKind.Gtpu,
        _ => null,
    };

    private static OvsVportType? VportTypeOf(DatapathPortSpec spec, NetlinkDialect dialect) =>
        spec.Kind switch
        {
            DatapathPortKind.System or DatapathPortKind.Memory => OvsVportType.Netdev,
            DatapathPortKind.Internal => OvsVportType.Internal,
            DatapathPortKind.Tunnel => spec.Tunnel?.Kind switch
            {
                TunnelKind.Geneve => OvsVportType.Geneve,
                TunnelKind.Vxlan => OvsVportType.Vxlan,
                TunnelKind.Gre => OvsVportType.Gre,
                TunnelKind.Stt when dialect == NetlinkDialect.Ovsext => OvsVportType.Stt,
                TunnelKind.Erspan when dialect == NetlinkDialect.Linux => OvsVportType.Erspan,
                _ => null,
            },
            _ => null,
        };
}
