#if AKKA
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Akka.Serialization.Hyperion;
using Hyperion;
using Petabridge.Cmd.Cluster;
using Petabridge.Cmd.Host;

namespace Fabric.Cluster;

/// <summary>How the clustered system is composed on the Akka.NET packages.</summary>
/// <remarks>
/// Compiled with -p:ActorRuntime=Akka only; beside the package references it is the one place that
/// knows which runtime it is. What differs: Hyperion, for the runtime's own messages without a
/// serializer, reads no types but a few of this list; `pbm cluster show` is served on loopback; the
/// certificate comes as an object, since DotNetty reads no PEM. DotNetty judges chains by the
/// machine's roots: SSL_CERT_FILE names the cluster's authority there.
/// </remarks>
public static partial class FabricSystem
{
    /// <summary>Petabridge.Cmd listens this far above the port of remoting.</summary>
    private const int CommandPortOffset = 6558; // 2552 makes 9110, its default.

    private static ActorSystem Compose(FabricSettings settings)
    {
        var config = ConfigurationFactory.ParseString(AkkaOf(settings))
            .WithFallback(ConfigOf(settings));
        var setup = BootstrapSetup.Create().WithConfig(config)
            .And(HyperionSerializerSetup.Empty
                .WithDisallowUnsafeType(true)
                .WithTypeFilter(TypeFilterBuilder.Create()
                    .Include<string>()
                    .Include<object[]>()
                    .Include<Address>()
                    .Build()));
        if (settings.Tls is { } tls)
            setup = setup.And(new DotNettySslSetup(CertificateOf(tls), false));
        var system = ActorSystem.Create(settings.ClusterName, setup);
        var commands = PetabridgeCmd.Get(system);
        commands.RegisterCommandPalette(ClusterCommands.Instance);
        commands.Start();
        return system;
    }

    private static string AkkaOf(FabricSettings settings) => $$"""
        akka.actor {
          serializers.hyperion =
            "Akka.Serialization.HyperionSerializer, Akka.Serialization.Hyperion"
          serialization-bindings."System.Object" = hyperion
          serialization-settings.hyperion.disallow-unsafe-type = true
        }
        petabridge.cmd {
          host = "127.0.0.1"
          port = {{settings.Port + CommandPortOffset}}
        }
        """;

    /// <remarks>With its key, in the form that TLS on every system takes.</remarks>
    private static X509Certificate2 CertificateOf(ClusterTls tls)
    {
        using var pem = X509Certificate2.CreateFromPemFile(tls.CertificateFile, tls.KeyFile);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }
}
#endif
