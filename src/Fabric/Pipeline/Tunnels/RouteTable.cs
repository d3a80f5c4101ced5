using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Pipeline;

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
/// <remarks>
/// Any thread looks up in an immutable snapshot; <see cref="Refresh"/> reads the system's anew.
/// </remarks>
public sealed class RouteTable
{
    private const int RefreshMilliseconds = 1_000;

    private ImmutableArray<Route> _given = [];
    private SystemRoutes _system = SystemRoutes.None;
    private ImmutableDictionary<string, ImmutableArray<IPAddress>> _addresses =
        ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty;
    private long _version;
    private long _refreshed = long.MinValue / 2;

    /// <summary>False: only those given by hand (--disable-system-route).</summary>
    public bool ReadsSystem { get; set; }

    /// <summary>Grows with each change.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>Gives a device that the system does not have an address (dummies).</summary>
    public void AddAddress(string device, IPAddress address)
    {
        ImmutableInterlocked.AddOrUpdate(
            ref _addresses, device, [address],
            (_, before) => before.Contains(address) ? before : [.. before, address]);
        Interlocked.Increment(ref _version);
    }

    public void Add(Route route)
    {
        ImmutableInterlocked.Update(
            ref _given, (all, add) => [.. all.Where(each => !IsSame(each, add)), add],
            route with { Prefix = Masked(route.Prefix, route.Length) });
        Interlocked.Increment(ref _version);
    }

    /// <summary>False if there was no such route.</summary>
    public bool Remove(IPAddress prefix, int length, uint? mark)
    {
        var wanted = new Route(Masked(prefix, length), length, "", null, null, true, mark);
        var before = _given;
        ImmutableInterlocked.Update(
            ref _given, (all, gone) => [.. all.Where(each => !IsSame(each, gone))], wanted);
        Interlocked.Increment(ref _version);
        return before.Any(each => IsSame(each, wanted));
    }

    /// <summary>All routes, given ones first, IPv4 before IPv6, in the order of prefixes.</summary>
    public ImmutableArray<Route> All() =>
    [
        .. _given.Concat(_system.Routes)
            .OrderByDescending(each => each.IsUser)
            .ThenBy(each => each.Prefix.AddressFamily)
            .ThenBy(each => Convert.ToHexString(each.Prefix.GetAddressBytes()))
            .ThenBy(each => each.Length),
    ];

    /// <summary>The longest prefix wins, a given one among equals.</summary>
    public Route? Find(IPAddress destination, uint mark = 0)
    {
        Route? best = null;
        foreach (var routes in (ReadOnlySpan<ImmutableArray<Route>>)[_given, _system.Routes])
        {
            foreach (var route in routes)
            {
                if ((route.Mark ?? 0) != mark && !(route.Mark is null && !route.IsUser)) continue;
                if (best is not null && best.Length >= route.Length) continue;
                if (route.Covers(destination)) best = route;
            }
        }

        return best;
    }

    /// <summary>The device's addresses.</summary>
    public ImmutableArray<IPAddress> AddressesOf(string device) =>
        _addresses.TryGetValue(device, out var own)
            ? own
            : _system.Addresses.GetValueOrDefault(device, []);

    /// <summary>Addresses by which tunnels come in: those that routes go out from.</summary>
    public bool IsLocal(string device, IPAddress address)
    {
        foreach (var routes in (ReadOnlySpan<ImmutableArray<Route>>)[_given, _system.Routes])
        {
            foreach (var route in routes)
            {
                if (route.Device == device && address.Equals(route.Source)) return true;
            }
        }

        return false;
    }

    /// <summary>Has the device any address that routes go out from?</summary>
    public bool HasRoutes(string device) =>
        _given.Any(each => each.Device == device)
        || _system.Routes.Any(each => each.Device == device);

    /// <summary>An address of the device that suits 'neighbour'; null if it has none.</summary>
    public IPAddress? SourceOf(string device, IPAddress neighbour) =>
        AddressesOf(device).FirstOrDefault(
            each => each.AddressFamily == neighbour.AddressFamily);

    /// <summary>Reads the system's routes and addresses, at most once in a second.</summary>
    public void Refresh(long now)
    {
        if (!ReadsSystem || now - Volatile.Read(ref _refreshed) < RefreshMilliseconds) return;
        Volatile.Write(ref _refreshed, now);
        var fresh = SystemRoutes.Read();
        if (fresh.IsSame(_system)) return;
        _system = fresh;
        Interlocked.Increment(ref _version);
    }

    private static bool IsSame(Route left, Route right) =>
        left.Prefix.Equals(right.Prefix) && left.Length == right.Length && left.Mark == right.Mark;

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var bits = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF00 >> bits);
        }

        return new IPAddress(bytes);
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
