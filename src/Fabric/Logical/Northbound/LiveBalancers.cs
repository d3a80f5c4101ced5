using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>Load balancers as one host sees them, each made once per change.</summary>
internal sealed class LiveBalancers
{
    private readonly Dictionary<Guid, Entry> _known = [];

    private sealed record Entry(
        LoadBalancer Row, TemplateVariables? Variables, ImmutableArray<ServiceKey> Offline,
        ImmutableArray<HealthCheck> Checks, LoadBalancer Made);

    public LoadBalancer Of(
        LoadBalancer row, TemplateVariables? variables,
        IReadOnlyDictionary<Guid, HealthCheck> checks, ImmutableSortedSet<ServiceKey> offline)
    {
        if (row.Template.IsEmpty && row.HealthChecks.IsEmpty) return row;
        ImmutableArray<HealthCheck> probed =
        [
            .. row.HealthChecks.Select(uuid => checks.GetValueOrDefault(uuid))
                .OfType<HealthCheck>(),
        ];
        var filled = row.Template.IsEmpty ? row : row.Expand(variables);
        ImmutableArray<ServiceKey> lost =
        [
            .. filled.Services.Where(service => IsProbed(service, probed))
                .SelectMany(service => service.Backends)
                .Select(filled.ServiceOf).OfType<ServiceKey>().Where(offline.Contains).Distinct(),
        ];
        if (_known.TryGetValue(row.Uuid, out var entry) && ReferenceEquals(entry.Row, row)
            && ReferenceEquals(entry.Variables, variables)
            && entry.Checks.AsSpan().SequenceEqual(probed.AsSpan())
            && entry.Offline.AsSpan().SequenceEqual(lost.AsSpan()))
        {
            return entry.Made;
        }

        var made = lost.IsEmpty ? filled : Without(filled, probed, lost);
        _known[row.Uuid] = new Entry(row, variables, lost, probed, made);
        return made;
    }

    private static bool IsProbed(VirtualService service, ImmutableArray<HealthCheck> checks) =>
        checks.Any(check => check.Vip == service.Vip);

    private static LoadBalancer Without(
        LoadBalancer balancer, ImmutableArray<HealthCheck> checks,
        ImmutableArray<ServiceKey> lost) => balancer with
        {
            Services =
            [
                .. balancer.Services.Select(service => IsProbed(service, checks)
                    ? service with
                    {
                        Backends =
                        [
                            .. service.Backends.Where(backend =>
                                balancer.ServiceOf(backend) is not { } key || !lost.Contains(key)),
                        ],
                    }
                    : service),
            ],
        };
}
