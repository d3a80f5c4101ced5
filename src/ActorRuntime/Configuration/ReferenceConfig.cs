#nullable disable
namespace Akka.Configuration;

/// <summary>The defaults of the core, under Akka's keys.</summary>
internal static class ReferenceConfig
{
    private static Config _core;

    public static Config Core => _core ??= ConfigurationFactory.ParseString(Text);

    private const string Text = """
        akka {
          loglevel = INFO
          stdout-loglevel = WARNING
          loggers = ["Akka.Event.DefaultLogger, Akka"]
          logger-startup-timeout = 5s
          log-config-on-start = off
          log-dead-letters = 10
          log-dead-letters-during-shutdown = off
          log-dead-letters-suspend-duration = 5 minutes
          extensions = []
          actor {
            provider = local
            guardian-supervisor-strategy = "Akka.Actor.DefaultSupervisorStrategy"
            creation-timeout = 20s
            ask-timeout = infinite
            unstarted-push-timeout = 10s
            default-dispatcher {
              type = "Dispatcher"
              throughput = 128
            }
            debug {
              receive = off
              autoreceive = off
              lifecycle = off
              event-stream = off
              unhandled = off
              router-misconfiguration = off
            }
            serializers {
              primitive = "Akka.Serialization.PrimitiveSerializer, Akka"
              bytes = "Akka.Serialization.ByteArraySerializer, Akka"
            }
            serialization-bindings {
              "System.Byte[]" = bytes
              "System.String" = primitive
              "System.Int32" = primitive
              "System.Int64" = primitive
              "System.Boolean" = primitive
            }
            serialization-identifiers {
              "Akka.Serialization.ByteArraySerializer, Akka" = 4
              "Akka.Serialization.PrimitiveSerializer, Akka" = 17
            }
          }
          scheduler {
            tick-duration = 10ms
            implementation = "Akka.Actor.HashedWheelTimerScheduler"
          }
          coordinated-shutdown {
            default-phase-timeout = 5 s
            terminate-actor-system = on
            exit-clr = off
            run-by-clr-shutdown-hook = on
            run-by-actor-system-terminate = on
            phases {
              before-service-unbind { }
              service-unbind { depends-on = [before-service-unbind] }
              service-requests-done { depends-on = [service-unbind] }
              service-stop { depends-on = [service-requests-done] }
              before-cluster-shutdown { depends-on = [service-stop] }
              cluster-sharding-shutdown-region {
                timeout = 10 s
                depends-on = [before-cluster-shutdown]
              }
              cluster-leave { depends-on = [cluster-sharding-shutdown-region] }
              cluster-exiting {
                timeout = 10 s
                depends-on = [cluster-leave]
              }
              cluster-exiting-done { depends-on = [cluster-exiting] }
              cluster-shutdown { depends-on = [cluster-exiting-done] }
              before-actor-system-terminate { depends-on = [cluster-shutdown] }
              actor-system-terminate {
                timeout = 10 s
                depends-on = [before-actor-system-terminate]
              }
            }
          }
        }
        """;
}
