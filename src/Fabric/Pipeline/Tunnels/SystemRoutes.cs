using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Numerics;

namespace Fabric.Pipeline;

/// <summary>The system's routes and its devices' addresses, at one moment.</summary>
internal sealed record SystemRoutes(
    ImmutableArray<Route> Routes,
    ImmutableDictionary<string, ImmutableArray<IPAddress>> Addresses)
{
    private const string Ipv4Path = "/proc/net/route";
    private const string Ipv6Path = "/proc/net/ipv6_route";
    private const uint FlagUp = 1;
    private const uint FlagReject = 0x200;

    public static SystemRoutes None { get; } = new(
        [], ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty);

    public bool IsSame(SystemRoutes other) =>
        Routes.AsSpan().SequenceEqual(other.Routes.AsSpan())
        && Addresses.Count == other.Addresses.Count
        && Addresses.All(each => other.Addresses.TryGetValue(each.Key, out var addresses)
            && addresses.AsSpan().SequenceEqual(each.Value.AsSpan()));

    public static SystemRoutes Read()
    {
        var addresses = ReadAddresses();
        return new SystemRoutes([.. Ipv4(addresses), .. Ipv6(addresses)], addresses);
    }

    private static ImmutableDictionary<string, ImmutableArray<IPAddress>> ReadAddresses()
    {
        var all = ImmutableDictionary.CreateBuilder<string, ImmutableArray<IPAddress>>();
        foreach (var device in NetworkInterface.GetAllNetworkInterfaces())
        {
            all[device.Name] =
            [
                .. device.GetIPProperties().UnicastAddresses
                    .Select(each => new IPAddress(each.Address.GetAddressBytes()))
                    .OrderBy(each => each.IsIPv6LinkLocal),
            ];
        }

        return all.ToImmutable();
    }

    private static IEnumerable<Route> Ipv4(
        ImmutableDictionary<string, ImmutableArray<IPAddress>> addresses)
    {
        if (!File.Exists(Ipv4Path)) yield break;
        foreach (var line in File.ReadLines(Ipv4Path).Skip(1))
        {
            // Iface Destination Gateway Flags RefCnt Use Metric Mask ...: host-order hex.
            var fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length < 8 || !TryHex(fields[1], out var prefix)
                || !TryHex(fields[2], out var gateway) || !TryHex(fields[7], out var mask))
            {
                continue;
            }

            var to = Address(prefix);
            var hop = gateway == 0 ? null : Address(gateway);
            yield return new Route(
                to, BitOperations.PopCount(mask), fields[0], hop,
                SourceOf(addresses, fields[0], to), IsUser: false);
        }
    }

    private static IEnumerable<Route> Ipv6(
        ImmutableDictionary<string, ImmutableArray<IPAddress>> addresses)
    {
        if (!File.Exists(Ipv6Path)) yield break;
        foreach (var line in File.ReadLines(Ipv6Path))
        {
            // Destination, length, source, length, next hop, metric, uses (2), flags, device.
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || fields[9] == "lo" || !TryHex(fields[8], out var flags)
                || (flags & (FlagUp | FlagReject)) != FlagUp || fields[0].Length != 32
                || fields[4].Length != 32 || !TryHex(fields[1], out var length) || length > 128)
            {
                continue;
            }

            var to = new IPAddress(Convert.FromHexString(fields[0]));
            if (to.IsIPv6Multicast) continue;
            var hop = new IPAddress(Convert.FromHexString(fields[4]));
            yield return new Route(
                to, (int)length, fields[9], hop.Equals(IPAddress.IPv6Any) ? null : hop,
                SourceOf(addresses, fields[9], to), IsUser: false);
        }
    }

    private static IPAddress? SourceOf(
        ImmutableDictionary<string, ImmutableArray<IPAddress>> addresses, string device,
        IPAddress to)
    {
        var own = addresses.GetValueOrDefault(device, []);
        return own.FirstOrDefault(each => each.AddressFamily == to.AddressFamily
            && each.IsIPv6LinkLocal == to.IsIPv6LinkLocal)
            ?? own.FirstOrDefault(each => each.AddressFamily == to.AddressFamily);
    }

    private static bool TryHex(string text, out uint value) => uint.TryParse(
        text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static IPAddress Address(uint hostOrder)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, hostOrder);
        return new IPAddress(bytes);
    }
}
