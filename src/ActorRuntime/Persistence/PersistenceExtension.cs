#nullable disable
using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Persistence;

/// <summary>Finds the journals and snapshot stores of an actor system.</summary>
public sealed class PersistenceExtension : IExtension
{
    private readonly ExtendedActorSystem _system;
    private readonly ConcurrentDictionary<string, Lazy<IActorRef>> _plugins = new();
    private readonly string _defaultJournal;
    private readonly string _defaultSnapshotStore;

    public PersistenceExtension(ExtendedActorSystem system)
    {
        _system = system;
        system.Settings.InjectTopLevelFallback(Persistence.DefaultConfig());
        var config = system.Settings.Config.GetConfig("akka.persistence");
        _defaultJournal = config.GetString("journal.plugin");
        _defaultSnapshotStore = config.GetString("snapshot-store.plugin");
        RecoveryEventTimeout =
            config.GetTimeSpan("recovery-event-timeout", TimeSpan.FromSeconds(30));
    }

    /// <summary>A recovery that hears nothing for so long has failed.</summary>
    internal TimeSpan RecoveryEventTimeout { get; }

    /// <summary>The journal at a config path; empty or null: the default one.</summary>
    /// <exception cref="ArgumentException">The path has no <c>class</c>.</exception>
    public IActorRef JournalFor(string journalPluginId) =>
        PluginFor(string.IsNullOrEmpty(journalPluginId) ? _defaultJournal : journalPluginId);

    /// <summary>The snapshot store at a config path; empty or null: the default one.</summary>
    /// <exception cref="ArgumentException">The path has no <c>class</c>.</exception>
    public IActorRef SnapshotStoreFor(string snapshotPluginId) =>
        PluginFor(
            string.IsNullOrEmpty(snapshotPluginId) ? _defaultSnapshotStore : snapshotPluginId);

    /// <summary>The id of an actor that does not choose one: its path.</summary>
    public string PersistenceId(IActorRef actor) => actor.Path.ToStringWithoutAddress();

    private IActorRef PluginFor(string path) =>
        _plugins.GetOrAdd(path, id => new Lazy<IActorRef>(() => Start(id))).Value;

    private IActorRef Start(string path)
    {
        var config = _system.Settings.Config.GetConfig(path);
        var name = config?.GetString("class");
        if (string.IsNullOrEmpty(name))
        {
            throw new ArgumentException($"'{path}.class' is not defined: no such plugin", path);
        }

        // Names carry Akka's assembly; here the classes are in this one.
        var bare = name.Split(',')[0].Trim();
        var type = typeof(Eventsourced).Assembly.GetType(bare) ?? Type.GetType(name, false)
            ?? throw new ConfigurationException($"{path}.class = \"{name}\": no such class");
        var props = type.GetConstructor([typeof(Config)]) is not null
            ? Props.Create(type, config)
            : Props.Create(type);
        return _system.SystemActorOf(props, path);
    }
}

/// <summary>The persistence extension.</summary>
public sealed class Persistence : ExtensionIdProvider<PersistenceExtension>
{
    public static readonly Persistence Instance = new();

    private Persistence()
    {
    }

    public override PersistenceExtension CreateExtension(ExtendedActorSystem system) => new(system);

    /// <summary>The defaults, under Akka's keys.</summary>
    public static Config DefaultConfig() => ConfigurationFactory.ParseString(
        """
        akka.persistence {
          recovery-event-timeout = 30s
          journal {
            plugin = "akka.persistence.journal.inmem"
            inmem.class = "Akka.Persistence.Journal.MemoryJournal, Akka.Persistence"
            sql {
              class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
              connection-string = ""
              provider-name = "SQLite.MS"
              synchronous = FULL
            }
          }
          snapshot-store {
            plugin = "akka.persistence.snapshot-store.local"
            inmem.class = "Akka.Persistence.Snapshot.MemorySnapshotStore, Akka.Persistence"
            local {
              class = "Akka.Persistence.Snapshot.LocalSnapshotStore, Akka.Persistence"
              dir = "snapshots"
            }
            sql {
              class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
              connection-string = ""
              provider-name = "SQLite.MS"
              synchronous = FULL
            }
          }
        }
        """);
}
