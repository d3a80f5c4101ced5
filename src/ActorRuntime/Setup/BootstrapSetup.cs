#nullable disable
using Akka.Configuration;

namespace Akka.Actor;

/// <summary>Which kind of references a system has.</summary>
public abstract class ProviderSelection
{
    internal const string ClusterType = "Akka.Cluster.ClusterActorRefProvider";
    internal const string RemoteType = "Akka.Remote.RemoteActorRefProvider";

    private ProviderSelection(string identifier, string fqcn, bool hasCluster)
    {
        Identifier = identifier;
        Fqn = fqcn;
        HasCluster = hasCluster;
    }

    public string Identifier { get; }

    /// <summary>Full name of the provider's type.</summary>
    public string Fqn { get; }

    public bool HasCluster { get; }

    public sealed class Local : ProviderSelection
    {
        public static readonly Local Instance = new();
        private Local() : base("local", "Akka.Actor.LocalActorRefProvider", false) { }
    }

    public sealed class Remote : ProviderSelection
    {
        public static readonly Remote Instance = new();
        private Remote() : base("remote", RemoteType, false) { }
    }

    public sealed class Cluster : ProviderSelection
    {
        public static readonly Cluster Instance = new();
        private Cluster() : base("cluster", ClusterType, true) { }
    }

    public sealed class Custom(string fqn, bool hasCluster = false)
        : ProviderSelection("custom", fqn, hasCluster);

    /// <summary>By the value of <c>akka.actor.provider</c>.</summary>
    public static ProviderSelection GetProvider(string providerType) => providerType switch
    {
        null or "local" => Local.Instance,
        "remote" => Remote.Instance,
        "cluster" => Cluster.Instance,
        _ => new Custom(providerType.Split(',')[0].Trim()),
    };
}

/// <summary>Configuration and provider of a new system.</summary>
public sealed class BootstrapSetup : Setup.Setup
{
    private BootstrapSetup(Akka.Util.Option<Config> config, Config fallback,
        Akka.Util.Option<ProviderSelection> provider)
    {
        Config = config;
        ConfigFallback = fallback;
        ActorRefProvider = provider;
    }

    internal BootstrapSetup()
        : this(Akka.Util.Option<Config>.None, Configuration.Config.Empty,
            Akka.Util.Option<ProviderSelection>.None)
    { }

    public Akka.Util.Option<Config> Config { get; }
    public Config ConfigFallback { get; }
    public Akka.Util.Option<ProviderSelection> ActorRefProvider { get; }

    public static BootstrapSetup Create() => new();

    public BootstrapSetup WithActorRefProvider(ProviderSelection name) =>
        new(Config, ConfigFallback, new Akka.Util.Option<ProviderSelection>(name));

    public BootstrapSetup WithConfig(Config config) =>
        new(new Akka.Util.Option<Config>(config), ConfigFallback, ActorRefProvider);

    /// <summary>Used where the configuration says nothing.</summary>
    public BootstrapSetup WithConfigFallback(Config config) =>
        new(Config, ConfigFallback.WithFallback(config), ActorRefProvider);
}
