using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Fabric.Host;

/// <summary>A route: a prefix, the device it leaves by, and the neighbour it goes to.</summary>
/// <param name="Gateway">Null for what is on the link itself.</param>
public sealed record Route(
    IPAddress Prefix, int Length, string Device, IPAddress? Gateway, IPAddress? Source,
    bool IsUser, uint? Mark = null)
{
    public bool Covers(IPAddress address) =>
        address.AddressFamily == Prefix.AddressFamily
        && new IPNetwork(Prefix, Length).Contains(address);
}

/// <summary>Routes for tunnels: the system's, and those given by hand (ovs/route/*).</summary>
/// <param name="readsSystem">False: only those given by hand (--disable-system-route).</param>
public sealed class RouteTable(bool readsSystem)
{
    private const string Path = "/proc/net/route";
    private ImmutableArray<Route> _given = [];
    private ImmutableDictionary<string, ImmutableArray<IPAddress>> _addresses =
        ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty;

    /// <summary>Gives a device that the system does not have an address (dummies).</summary>
    public void AddAddress(string device, IPAddress address) => ImmutableInterlocked.AddOrUpdate(
        ref _addresses, device, [address], (_, before) => [.. before, address]);

    public void Add(Route route) => ImmutableInterlocked.Update(
        ref _given, (all, add) => [.. all.Where(each => !IsSame(each, add)), add], route);

    /// <summary>False if there was no such route.</summary>
    public bool Remove(IPAddress prefix, int length, uint? mark)
    {
        var wanted = new Route(prefix, length, "", null, null, true, mark);
        var before = _given;
        ImmutableInterlocked.Update(
            ref _given, (all, gone) => [.. all.Where(each => !IsSame(each, gone))], wanted);
        return before.Any(each => IsSame(each, wanted));
    }

    /// <summary>All routes, given ones first, longer prefixes before shorter ones.</summary>
    public ImmutableArray<Route> All() =>
    [
        .. _given.Concat(readsSystem ? System() : [])
            .OrderByDescending(each => each.IsUser).ThenByDescending(each => each.Length),
    ];

    public Route? Find(IPAddress destination, uint? mark = null) => All()
        .Where(each => each.Covers(destination) && (each.Mark is null || each.Mark == mark))
        .OrderByDescending(each => each.Length).FirstOrDefault();

    /// <summary>An address of the device that suits 'neighbour'; null if it has none.</summary>
    public IPAddress? SourceOf(string device, IPAddress neighbour)
    {
        var own = _addresses.GetValueOrDefault(device, []);
        if (own.IsEmpty && readsSystem) own = SystemAddresses(device);
        return own.FirstOrDefault(each => each.AddressFamily == neighbour.AddressFamily);
    }

    private static bool IsSame(Route left, Route right) =>
        left.Prefix.Equals(right.Prefix) && left.Length == right.Length && left.Mark == right.Mark;

    private static ImmutableArray<IPAddress> SystemAddresses(string device)
    {
        foreach (var each in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (each.Name != device) continue;
            return [.. each.GetIPProperties().UnicastAddresses.Select(one => one.Address)];
        }

        return [];
    }

    private IEnumerable<Route> System()
    {
        if (!File.Exists(Path)) yield break;
        foreach (var line in File.ReadLines(Path).Skip(1))
        {
            // Iface Destination Gateway Flags RefCnt Use Metric Mask ...: host-order hex.
            var fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length < 8 || !TryAddress(fields[1], out var prefix)
                || !TryAddress(fields[2], out var gateway)
                || !uint.TryParse(fields[7], NumberStyles.HexNumber, null, out var mask))
            {
                continue;
            }

            var hop = gateway.Equals(IPAddress.Any) ? null : gateway;
            yield return new Route(
                prefix, global::System.Numerics.BitOperations.PopCount(mask), fields[0], hop,
                SourceOf(fields[0], hop ?? prefix), IsUser: false);
        }
    }

    private static bool TryAddress(string text, out IPAddress address)
    {
        address = IPAddress.Any;
        if (!uint.TryParse(text, NumberStyles.HexNumber, null, out var value)) return false;
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        address = new IPAddress(bytes);
        return true;
    }

    /// <summary>ADDRESS/LENGTH, or an address alone for a host.</summary>
    public static bool TryParse(string text, out IPAddress prefix, out int length)
    {
        var slash = text.IndexOf('/');
        length = 0;
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out prefix!)) return false;
        var most = prefix.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        length = most;
        return slash < 0
            || (int.TryParse(text[(slash + 1)..], out length) && length >= 0 && length <= most);
    }
}
