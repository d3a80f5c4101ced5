using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>All handles of one time that the device was there, ready for use.</summary>
/// <remarks>
/// Handles: one for requests, one for port events, two for the connection tracker (requests,
/// events), and for each upcall loop one for its packets and one for the requests they cause.
/// </remarks>
internal sealed class NetlinkConnection : IDisposable
{
    public const string DatapathName = "ovs-system";

    private readonly List<NetlinkEndpoint> _all = [];
    private int _isLost;

    private NetlinkConnection(INetlinkDevice device) => Dialect = device.Dialect;

    public NetlinkDialect Dialect { get; }
    public NetlinkEndpoint Requests { get; private set; } = null!;
    public NetlinkEndpoint Conntrack { get; private set; } = null!;
    public NetlinkEndpoint ConntrackEvents { get; private set; } = null!;
    public NetlinkEndpoint Events { get; private set; } = null!;
    public ImmutableArray<NetlinkEndpoint> Packets { get; private set; } = [];
    public ImmutableArray<NetlinkEndpoint> Workers { get; private set; } = [];
    public KernelFeatures Features { get; private set; } = new();

    public bool IsLost => Volatile.Read(ref _isLost) != 0;

    /// <summary>Why, once it is lost.</summary>
    public string LossReason { get; private set; } = "";

    /// <summary>Told once.</summary>
    public Action? Lost { get; set; }

    /// <summary>Opens everything and asks what the device can do.</summary>
    public static bool TryOpen(
        INetlinkDevice device, int loops, OvsNetlinkCounters counters,
        out NetlinkConnection? connection, out string error)
    {
        var fresh = new NetlinkConnection(device);
        connection = null;
        error = "";
        if (!fresh.TryHandle(device, NetlinkProtocol.Generic, counters, out var requests, out error)
            || !fresh.TryFamilies(requests, out error)
            || !fresh.TryDatapath(requests, out error))
        {
            fresh.Dispose();
            return false;
        }

        fresh.Requests = requests;
        fresh.Features = FeatureProbe.Run(requests);
        if (!fresh.TryOthers(device, loops, counters, out error) || fresh.IsLost)
        {
            if (error.Length == 0) error = fresh.LossReason;
            fresh.Dispose();
            return false;
        }

        connection = fresh;
        return true;
    }

    private bool TryOthers(
        INetlinkDevice device, int loops, OvsNetlinkCounters counters, out string error)
    {
        if (!TryHandle(device, NetlinkProtocol.Netfilter, counters, out var conntrack, out error)
            || !TryHandle(device, NetlinkProtocol.Netfilter, counters, out var entries, out error)
            || !TryHandle(device, NetlinkProtocol.Generic, counters, out var events, out error))
        {
            return false;
        }

        Conntrack = conntrack;
        ConntrackEvents = entries;
        Events = events;
        for (var i = 0; i < loops; i++)
        {
            if (!TryHandle(device, NetlinkProtocol.Generic, counters, out var packets, out error)
                || !TryHandle(device, NetlinkProtocol.Generic, counters, out var worker, out error))
            {
                return false;
            }

            Packets = Packets.Add(packets);
            Workers = Workers.Add(worker);
            if (Dialect == NetlinkDialect.Ovsext && !TrySubscribe(packets, out error)) return false;
        }

        foreach (var endpoint in _all)
        {
            endpoint.Ids = Requests.Ids;
            endpoint.DatapathIndex = Requests.DatapathIndex;
        }

        return Dialect != NetlinkDialect.Ovsext || TryJoin(events, out error);
    }

    /// <summary>The handle's pid may then be named in vports.</summary>
    private static bool TrySubscribe(NetlinkEndpoint packets, out string error)
    {
        lock (packets.Gate)
        {
            var writer = packets.Writer();
            new OvsSubscribeMessage { SubscribePackets = 1, PacketPid = packets.PortId }.Write(
                ref writer,
                packets.Header(OvsFamily.Control, OvsControlCommand.SubscribePackets));
            var outcome = packets.Write(ref writer);
            error = outcome.IsOk ? "" : $"cannot subscribe to packets: {outcome}";
            return outcome.IsOk;
        }
    }

    private static bool TryJoin(NetlinkEndpoint events, out string error)
    {
        lock (events.Gate)
        {
            var writer = events.Writer();
            new OvsSubscribeMessage { Group = OvsFamilyIds.OvsextVportGroup, Join = 1 }.Write(
                ref writer, events.Header(OvsFamily.Control, OvsControlCommand.SubscribeGroup));
            var outcome = events.Write(ref writer);
            error = outcome.IsOk ? "" : $"cannot subscribe to port events: {outcome}";
            return outcome.IsOk;
        }
    }

    private bool TryHandle(
        INetlinkDevice device, uint protocol, OvsNetlinkCounters counters,
        out NetlinkEndpoint endpoint, out string error)
    {
        var result = NetlinkEndpoint.TryOpen(device, protocol, counters, out var opened);
        endpoint = opened!;
        error = result.IsOk ? "" : Explain(device, result);
        if (!result.IsOk) return false;
        opened!.Lost = Lose;
        _all.Add(opened);
        return true;
    }

    private static string Explain(INetlinkDevice device, DeviceResult result) =>
        result.Status switch
        {
            DeviceStatus.NotReady => $"{device.Name}: no virtual switch has the extension "
                + "enabled (Enable-VMSwitchExtension)",
            DeviceStatus.Gone => $"{device.Name} is not there: is the driver installed?",
            _ => $"{device.Name}: {result}",
        };

    /// <summary>Linux gives family numbers out; OVSEXT has no controller and constant ones.
    /// </summary>
    private bool TryFamilies(NetlinkEndpoint requests, out string error)
    {
        error = "";
        if (Dialect == NetlinkDialect.Ovsext) return true;
        ushort Find(OvsFamily family) =>
            TryFamily(requests, OvsFamilyIds.NameOf(family), out var id) ? id : (ushort)0;
        var ids = new OvsFamilyIds(
            0, Find(OvsFamily.Datapath), Find(OvsFamily.Packet), Find(OvsFamily.Vport),
            Find(OvsFamily.Flow), 0, Find(OvsFamily.ConntrackLimit), Find(OvsFamily.Meter));
        if (ids.Datapath == 0 || ids.Packet == 0 || ids.Vport == 0 || ids.Flow == 0)
        {
            error = "the kernel has no generic netlink family ovs_datapath: load openvswitch.ko";
            return false;
        }

        requests.Ids = ids;
        return true;
    }

    /// <summary>Asks nlctrl for the number of a family.</summary>
    public static bool TryFamily(NetlinkEndpoint requests, string name, out ushort id)
    {
        lock (requests.Gate)
        {
            var writer = requests.Writer();
            GenericController.WriteGet(
                ref writer, name, requests.NextSequence(), requests.PortId);
            id = 0;
            return requests.Transact(ref writer, out var answer).IsOk
                && GenericController.TryReadFamily(answer, out id, out var found, out _)
                && found == name;
        }
    }

    /// <summary>Linux: makes the datapath if need be. OVSEXT: it is there, by its one name.
    /// </summary>
    private bool TryDatapath(NetlinkEndpoint requests, out string error)
    {
        lock (requests.Gate)
        {
            var wanted = new OvsDatapathMessage { Name = DatapathName };
            if (Dialect == NetlinkDialect.Linux)
            {
                var writer = requests.Writer();
                (wanted with
                {
                    UpcallPid = 0,
                    UserFeatures = OvsUserFeatures.Unaligned | OvsUserFeatures.VportPids,
                }).Write(ref writer, requests.Header(
                    OvsFamily.Datapath, OvsCommand.New, requests.Change));
                requests.Transact(ref writer, out _); // EEXIST: as good.
            }

            var get = requests.Writer();
            wanted.Write(ref get, requests.Header(OvsFamily.Datapath, OvsCommand.Get));
            var outcome = requests.Transact(ref get, out var answer);
            if (!outcome.IsOk || !OvsMessage.TryParse(answer, out var message, out _, out _)
                || !OvsDatapathMessage.TryParse(message, out var datapath, out _))
            {
                error = $"no datapath {DatapathName}: {outcome}";
                return false;
            }

            requests.DatapathIndex = message.Header.DatapathIndex;
            error = datapath.Name is null or DatapathName ? "" : $"datapath is {datapath.Name}";
            return error.Length == 0;
        }
    }

    private void Lose(string reason)
    {
        if (Interlocked.Exchange(ref _isLost, 1) != 0) return;
        LossReason = reason;
        foreach (var endpoint in Packets) endpoint.Cancel();
        if (Events is not null) Events.Cancel();
        if (ConntrackEvents is not null) ConntrackEvents.Cancel();
        Lost?.Invoke();
    }

    /// <summary>Loops on these handles must have ended.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _isLost, 1);
        foreach (var endpoint in _all) endpoint.Dispose();
    }
}
