using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Coordination;

/// <summary>Something that at most one owner holds at a time.</summary>
/// <remarks>
/// Not a lock without a fencing token: whoever held it may not know that it is lost.
/// </remarks>
public abstract class Lease(LeaseSettings settings)
{
    public LeaseSettings Settings { get; } = settings;

    public abstract Task<bool> Acquire();

    /// <param name="leaseLostCallback">Called when the lease is lost later.</param>
    public abstract Task<bool> Acquire(Action<Exception> leaseLostCallback);

    public abstract Task<bool> Release();

    /// <summary>True if this owner holds it, as far as is known here.</summary>
    public abstract bool CheckLease();
}

/// <summary>Name, owner and configuration of a lease.</summary>
public sealed class LeaseSettings(
    string leaseName, string ownerName, TimeoutSettings timeoutSettings, Config leaseConfig)
{
    public string LeaseName { get; } = leaseName;
    public string OwnerName { get; } = ownerName;
    public TimeoutSettings TimeoutSettings { get; } = timeoutSettings;
    public Config LeaseConfig { get; } = leaseConfig;
}

/// <summary>How long a lease lives without a word of its owner, and what it may take.</summary>
public sealed class TimeoutSettings(
    TimeSpan heartbeatInterval, TimeSpan heartbeatTimeout, TimeSpan operationTimeout)
{
    public TimeSpan HeartbeatInterval { get; } = heartbeatInterval;
    public TimeSpan HeartbeatTimeout { get; } = heartbeatTimeout;
    public TimeSpan OperationTimeout { get; } = operationTimeout;

    /// <summary>From <c>heartbeat-interval</c> and the like; Akka's defaults.</summary>
    public static TimeoutSettings Create(Config config) => new(
        config.GetTimeSpan("heartbeat-interval", TimeSpan.FromSeconds(12)),
        config.GetTimeSpan("heartbeat-timeout", TimeSpan.FromSeconds(120)),
        config.GetTimeSpan("lease-operation-timeout", TimeSpan.FromSeconds(5)));
}

/// <summary>How a tool uses a lease.</summary>
public sealed record LeaseUsageSettings(string LeaseImplementation, TimeSpan LeaseRetryInterval);

/// <summary>Makes leases from the configuration path of their implementation.</summary>
public sealed class LeaseProvider(ExtendedActorSystem system) : IExtension
{
    private readonly ConcurrentDictionary<(string, string, string), Lease> _leases = new();

    public static LeaseProvider Get(ActorSystem system) =>
        system.WithExtension<LeaseProvider, LeaseProviderExtension>();

    /// <param name="leaseName">What is leased.</param>
    /// <param name="configPath">Where <c>lease-class</c> stands.</param>
    /// <param name="ownerName">Who leases.</param>
    /// <exception cref="ConfigurationException">There is no such implementation.</exception>
    public Lease GetLease(string leaseName, string configPath, string ownerName) =>
        _leases.GetOrAdd((leaseName, configPath, ownerName), key =>
        {
            var config = system.Settings.Config.GetConfig(configPath);
            var name = config?.GetString("lease-class");
            if (string.IsNullOrEmpty(name))
            {
                throw new ConfigurationException(
                    $"lease-implementation = \"{configPath}\": it has no lease-class");
            }

            return Akka.Util.TypeNames.Make<Lease>(
                name, $"{configPath}.lease-class",
                new LeaseSettings(
                    key.Item1, key.Item3, TimeoutSettings.Create(config!), config!), system);
        });
}

/// <summary>The id of <see cref="LeaseProvider"/>.</summary>
public sealed class LeaseProviderExtension : ExtensionIdProvider<LeaseProvider>
{
    public override LeaseProvider CreateExtension(ExtendedActorSystem system) => new(system);
}
