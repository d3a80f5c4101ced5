using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>
/// Dynamic addresses (IPAM): what ports with "dynamic" in their addresses get, and the tags of
/// nested ports that ask for any.
/// </summary>
/// <remarks>
/// The lowest free address of other_config:subnet, without exclude_ips, the first address, routers'
/// and fixed addresses; MAC from NB_Global options:mac_prefix; IPv6 from ipv6_prefix and the MAC.
/// What a port has it keeps while it asks. Each operation is guarded by what the row held, so that
/// of two hosts that allocate at once only one is believed.
/// </remarks>
internal static class AddressManagement
{
    private const int OperationsMax = 2_000;

    /// <summary>Operations that give and take back; none when all have what they ask for.</summary>
    public static ImmutableArray<Operation> Plan(LogicalTopology topology)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        var byOwner = topology.Rows.SwitchPorts.Values
            .Where(port => port.Dynamic is not null || port.Given is not null)
            .GroupBy(port => topology.SwitchIdOf(port.Uuid))
            .OrderBy(ports => ports.Key);
        foreach (var ports in byOwner)
        {
            if (ports.Key is not { } uuid
                || !topology.Rows.Switches.TryGetValue(uuid, out var owner))
            {
                continue;
            }

            var pool = new AddressPool(topology, owner);
            foreach (var port in ports.OrderBy(port => port.Uuid))
            {
                if (operations.Count >= OperationsMax) return operations.ToImmutable();
                Settle(pool, port, operations);
            }
        }

        var nested = topology.Rows.SwitchPorts.Values
            .Where(port => port is { TagRequest: not null, Tag: null });
        foreach (var port in nested.OrderBy(row => row.Uuid))
        {
            if (port.TagRequest is { } request && port.Parent is { Length: > 0 } parent)
            {
                var tag = request != 0 ? request : FreeTag(topology, parent);
                if (tag > 0) Set(operations, port.Uuid, "tag", Datum.EmptySet, tag);
            }
        }

        return operations.ToImmutable();
    }

    private static int FreeTag(LogicalTopology topology, string parent)
    {
        const int tagMax = 4095;
        var used = topology.ChildrenOf(parent).Select(child => child.Tag ?? 0).ToHashSet();
        return Enumerable.Range(1, tagMax).FirstOrDefault(tag => !used.Contains(tag));
    }

    private static void Settle(
        AddressPool pool, LogicalSwitchPort port, ImmutableArray<Operation>.Builder operations)
    {
        var before = port.Given is null ? Datum.EmptySet : (Datum)port.Given;
        if (port.Dynamic is null)
        {
            Set(operations, port.Uuid, "dynamic_addresses", before, Datum.EmptySet);
            return;
        }

        if (pool.AddressesFor(port) is { } wanted && wanted != port.Given)
            Set(operations, port.Uuid, "dynamic_addresses", before, wanted);
    }

    private static void Set(
        ImmutableArray<Operation>.Builder operations, Guid row, string column, Datum before,
        Datum now)
    {
        operations.Add(new Operation.Wait(
            "Logical_Switch_Port", [Condition.RowIs(row)], [column], true,
            [[new ColumnValue(column, before)]]));
        operations.Add(Operation.UpdateRow(
            "Logical_Switch_Port", row, new ColumnValue(column, now)));
    }
}

/// <summary>What addresses of one switch are free.</summary>
internal sealed class AddressPool
{
    private readonly HashSet<UInt128> _taken = [];
    private readonly HashSet<MacBytes> _macs = [];
    private readonly IpPrefix? _subnet;
    private readonly IpPrefix? _prefix6;
    private readonly bool _isMacOnly;
    private readonly ulong _macPrefix;
    private UInt128 _next;

    public AddressPool(LogicalTopology topology, LogicalSwitch owner)
    {
        var config = owner.OtherConfig;
        _subnet = IpPrefix.TryParse(config.GetValueOrDefault("subnet"), out var subnet)
            && !subnet.IsIpv6 && subnet.Length <= 30
            ? subnet.Network
            : null;
        var text = config.GetValueOrDefault("ipv6_prefix", "").Split('/')[0];
        _prefix6 = IpPrefix.TryParse(text, out var prefix) && prefix.IsIpv6 ? prefix : null;
        _isMacOnly = config.GetValueOrDefault("mac_only") == "true";
        var words = topology.Rows.GlobalOptions.GetValueOrDefault("mac_prefix", "0a:00:00");
        _macPrefix = MacBytes.TryParse($"{words}:00:00:00", out var mac)
            ? mac.ToUInt64()
            : 0x0a_0000_0000_00;
        Exclude(config.GetValueOrDefault("exclude_ips", ""));
        foreach (var port in topology.PortsOf(owner))
        {
            var given = Parse(port.Given);
            var fixedOnes = port.Addresses.Where(each => each != given);
            if (topology.PeerOf(port) is { } peer)
                fixedOnes = fixedOnes.Append(new LinkAddresses(peer.Mac, peer.Networks));
            if (given is not null && port.Dynamic is not null) fixedOnes = fixedOnes.Append(given);
            foreach (var each in fixedOnes)
            {
                _macs.Add(each.Mac);
                foreach (var ip in each.Ips.Where(ip => !ip.IsIpv6)) _taken.Add(ip.Address);
            }
        }

        if (_subnet is not { } net) return;
        _taken.Add(net.Address);
        _taken.Add(net.Address + 1); // The router's by convention.
        _taken.Add(net.Last);
        _next = net.Address + 2;
    }

    /// <summary>"MAC [IPv4] [IPv6]" for a port that asks; null: nothing to give.</summary>
    public string? AddressesFor(LogicalSwitchPort port)
    {
        if (_subnet is null && _prefix6 is null && !_isMacOnly) return null;
        var given = Parse(port.Given);
        var words = port.Dynamic!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        MacBytes? wantedMac = MacBytes.TryParse(words[0], out var written) ? written : null;
        var wantedIps = words.Select(word => IpPrefix.TryParse(word, out var ip) && ip.IsHost
            && word.AsSpan().ContainsAny('.', ':') && !MacBytes.TryParse(word, out _)
                ? ip
                : (IpPrefix?)null).OfType<IpPrefix>().ToList();
        var ip4 = wantedIps.Where(ip => !ip.IsIpv6).Cast<IpPrefix?>().FirstOrDefault()
            ?? Kept(given) ?? Free();
        if (_subnet is not null && ip4 is null) return null; // Full.
        var mac = wantedMac ?? given?.Mac ?? FreeMac(ip4);
        var text = $"{mac}";
        if (_subnet is not null) text += $" {ip4!.Value.Host}";
        var ip6 = wantedIps.Where(ip => ip.IsIpv6).Cast<IpPrefix?>().FirstOrDefault();
        if (ip6 is null && _prefix6 is { } prefix)
        {
            var identifier = IpPrefix.LinkLocalOf(mac).Address & ulong.MaxValue;
            var network = prefix.Address & ~(UInt128)ulong.MaxValue;
            ip6 = new IpPrefix(true, network | identifier, 128);
        }

        return ip6 is { } six ? $"{text} {six.Host}" : text;
    }

    private IpPrefix? Kept(LinkAddresses? given)
    {
        foreach (var ip in given?.Ipv4 ?? [])
        {
            if (_subnet is { } net && net.Contains(ip.Host)) return ip.Host;
        }

        return null;
    }

    private IpPrefix? Free()
    {
        if (_subnet is not { } net) return null;
        for (; _next < net.Last; _next++)
        {
            if (_taken.Add(_next)) return new IpPrefix(false, _next, 32);
        }

        return null;
    }

    /// <summary>The prefix and the low bits of the address, or the next free one.</summary>
    private MacBytes FreeMac(IpPrefix? ip4)
    {
        const ulong suffixMask = 0xff_ffff;
        var suffix = ip4 is { } ip ? (ulong)ip.Address & suffixMask : 1;
        while (true)
        {
            var mac = MacBytes.FromUInt64(_macPrefix | (suffix & suffixMask));
            if (_macs.Add(mac)) return mac;
            suffix++;
        }
    }

    /// <summary>"A B..C": single addresses and ranges.</summary>
    private void Exclude(string text)
    {
        const uint rangeMax = 1 << 20;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = word.Split("..");
            if (!IpPrefix.TryParse(ends[0], out var low) || low.IsIpv6) continue;
            var high = ends.Length == 2 && IpPrefix.TryParse(ends[1], out var last) ? last : low;
            for (var each = low.Address; each <= high.Address; each++)
            {
                if (each - low.Address > rangeMax) break;
                _taken.Add(each);
            }
        }
    }

    private static LinkAddresses? Parse(string? text) =>
        text is not null && LinkAddresses.TryParse(text, out var addresses) ? addresses : null;
}
