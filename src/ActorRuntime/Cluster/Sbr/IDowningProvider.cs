using Akka.Actor;
using Akka.Cluster.SBR;
using Akka.Configuration;

namespace Akka.Cluster
{
    /// <summary>Decides who goes when the cluster is split.</summary>
    public interface IDowningProvider
    {
        /// <summary>How long to wait after a removal before its duties are taken over.</summary>
        TimeSpan DownRemovalMargin { get; }

        /// <summary>The actor that decides, or null for none.</summary>
        Props? DowningActorProps { get; }
    }

    /// <summary>Unreachable members stay until an operator downs them.</summary>
    public sealed class NoDowning : IDowningProvider
    {
        public TimeSpan DownRemovalMargin => TimeSpan.Zero;
        public Props? DowningActorProps => null;
    }

    internal static class DowningProviders
    {
        /// <exception cref="ConfigurationException">There is no such provider.</exception>
        public static IDowningProvider Create(ClusterSettings settings, Cluster cluster) =>
            settings.DowningProviderType switch
            {
                "Akka.Cluster.NoDowning" => new NoDowning(),
                "Akka.Cluster.SBR.SplitBrainResolverProvider" =>
                    new SplitBrainResolverProvider(cluster),
                var other => throw new ConfigurationException(
                    $"akka.cluster.downing-provider-class = \"{other}\": no such class"),
            };
    }
}

namespace Akka.Cluster.SBR
{
    /// <summary>The split brain resolver: <c>akka.cluster.split-brain-resolver</c>.</summary>
    public sealed class SplitBrainResolverProvider : IDowningProvider
    {
        private readonly Cluster _cluster;
        private readonly SplitBrainResolverSettings _settings;

        internal SplitBrainResolverProvider(Cluster cluster)
        {
            _cluster = cluster;
            _settings = new SplitBrainResolverSettings(cluster.System.Settings.Config);
        }

        public TimeSpan DownRemovalMargin => _settings.StableAfter;

        public Props? DowningActorProps
        {
            get
            {
                if (_settings.Strategy == "off") return null;
                var (cluster, settings) = (_cluster, _settings);
                return Props.Create(() => new SplitBrainResolver(cluster, settings));
            }
        }
    }

    /// <summary>What <c>akka.cluster.split-brain-resolver</c> says.</summary>
    internal sealed class SplitBrainResolverSettings
    {
        private readonly Config _config;

        public SplitBrainResolverSettings(Config config)
        {
            _config = config.GetConfig("akka.cluster.split-brain-resolver");
            Strategy = _config.GetString("active-strategy");
            StableAfter = _config.GetTimeSpan("stable-after");
            DownAllWhenUnstable = _config.GetString("down-all-when-unstable") switch
            {
                "off" or "false" => null,
                "on" or "true" =>
                    StableAfter + Longer(StableAfter * 3 / 4, TimeSpan.FromSeconds(4)),
                _ => _config.GetTimeSpan("down-all-when-unstable"),
            };
            string[] known =
                ["off", "keep-majority", "static-quorum", "keep-oldest", "down-all",
                    "lease-majority"];
            if (!known.Contains(Strategy))
            {
                throw new ConfigurationException(
                    $"akka.cluster.split-brain-resolver.active-strategy = \"{Strategy}\": "
                    + $"write one of {string.Join(", ", known)}");
            }
        }

        public string Strategy { get; }
        public TimeSpan StableAfter { get; }

        /// <summary>Null: never.</summary>
        public TimeSpan? DownAllWhenUnstable { get; }

        public string LeaseImplementation =>
            _config.GetString("lease-majority.lease-implementation") ?? "";

        public string LeaseName => _config.GetString("lease-majority.lease-name") ?? "";

        public DowningStrategy Create(UniqueAddress self) => Strategy switch
        {
            "static-quorum" => new StaticQuorum(
                Role("static-quorum"), _config.GetInt("static-quorum.quorum-size"), self),
            "keep-oldest" => new KeepOldest(
                Role("keep-oldest"), _config.GetBoolean("keep-oldest.down-if-alone", true), self),
            "down-all" => new DownAllNodes(self),
            "lease-majority" => new LeaseMajority(
                Role("lease-majority"),
                _config.GetTimeSpan("lease-majority.acquire-lease-delay-for-minority"), self),
            _ => new KeepMajority(Role("keep-majority"), self),
        };

        private string? Role(string strategy) =>
            _config.GetString($"{strategy}.role") is { Length: > 0 } role ? role : null;

        private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
    }
}
