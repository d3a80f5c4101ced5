using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>A row of Load_Balancer_Health_Check: how backends of one VIP are probed.</summary>
public sealed record HealthCheck(
    Guid Uuid, ServiceEndpoint Vip, TimeSpan Interval, TimeSpan Timeout, int SuccessCount,
    int FailureCount)
{
    public static HealthCheck? Read(Row row, Action<string> complain)
    {
        if (!ServiceEndpoint.TryParse(row.GetString("vip"), out var vip))
        {
            complain($"vip: \"{row.GetString("vip")}\" is no IP[:port]");
            return null;
        }

        int Number(string key, int otherwise) =>
            int.TryParse(
                row.GetMapValue("options", key), NumberStyles.None, CultureInfo.InvariantCulture,
                out var value) && value > 0
                ? value
                : otherwise;
        return new HealthCheck(
            row.Uuid, vip, TimeSpan.FromSeconds(Number("interval", 5)),
            TimeSpan.FromSeconds(Number("timeout", 3)), Number("success_count", 1),
            Number("failure_count", 1));
    }
}

/// <summary>Where a backend is: ip_port_mappings of a load balancer.</summary>
/// <param name="Source">The address that probes come from.</param>
public readonly record struct BackendPlace(string LogicalPort, IpPrefix Source)
{
    /// <summary>"IP" to "PORT:SOURCE" or "PORT:[SOURCE]".</summary>
    public static ImmutableDictionary<IpPrefix, BackendPlace> ReadAll(
        ImmutableSortedDictionary<string, string> mappings, Action<string> complain)
    {
        var places = ImmutableDictionary.CreateBuilder<IpPrefix, BackendPlace>();
        foreach (var (backend, text) in mappings)
        {
            // Ports may be named with colons; a source in brackets begins at "[".
            var end = text.EndsWith(']')
                ? text.LastIndexOf(":[", StringComparison.Ordinal)
                : text.LastIndexOf(':');
            if (end > 0 && IpPrefix.TryParse(backend.Trim('[', ']'), out var ip)
                && IpPrefix.TryParse(text[(end + 1)..].Trim('[', ']'), out var source))
            {
                places[ip.Host] = new BackendPlace(text[..end], source.Host);
            }
            else
            {
                complain($"ip_port_mappings: \"{backend}\"=\"{text}\" is not IP=PORT:SOURCE");
            }
        }

        return places.ToImmutable();
    }
}

/// <summary>A row of Copp: meters by kind of what is handed to the control plane.</summary>
public sealed record ControlPlaneProtection(
    Guid Uuid, string Name, ImmutableSortedDictionary<string, string> Meters)
{
    public static ControlPlaneProtection Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("name"), row.GetMap("meters"));
}

/// <summary>A row of BFD: a session from a router port to a next hop.</summary>
/// <param name="MinTx">Milliseconds.</param>
/// <param name="MinRx">Milliseconds.</param>
/// <param name="Status">As the host that runs the session has written it.</param>
public sealed record RouteSession(
    Guid Uuid, string LogicalPort, IpPrefix Peer, int MinTx, int MinRx, byte Multiplier,
    string Status)
{
    public bool IsUp => Status == "up";

    public static RouteSession? Read(Row row, Action<string> complain)
    {
        if (!IpPrefix.TryParse(row.GetString("dst_ip"), out var peer) || !peer.IsHost)
        {
            complain($"dst_ip: \"{row.GetString("dst_ip")}\" is no address");
            return null;
        }

        int Number(string column, int otherwise) =>
            row.GetIntegerOrNull(column) is > 0 and <= int.MaxValue and var value
                ? (int)value
                : otherwise;
        return new RouteSession(
            row.Uuid, row.GetString("logical_port"), peer, Number("min_tx", 1000),
            Number("min_rx", 1000), (byte)Math.Min(Number("detect_mult", 5), byte.MaxValue),
            row.GetStringOrNull("status") ?? "");
    }
}
