using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database in a standalone file of OVS's format; any schema.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/>,
///         <see cref="ConvertDatabase"/>, <see cref="CompactDatabase"/>,
///         <see cref="DescribeDatabase"/>; of the server that it backs up
///         <see cref="FollowDelta"/> and <see cref="FollowWhole"/>.
/// Says:   <see cref="DatabaseChanged"/>, <see cref="TransactCompleted"/>;
///         <see cref="ServeDatabase"/> to its server, at first and after a conversion.
/// Holds:  the file, open and locked; rows, subscribers, transactions that wait.
/// Fails:  when the file cannot be written; its parent decides. As ovsdb-server, it hands a
///         transaction to the operating system before it answers, and to the disk if the
///         transaction asked for that (commit with durable).
/// </remarks>
internal sealed class LogDatabaseActor : EngineActor
{
    private const long CompactSizeMin = 10 * 1024 * 1024;

    private readonly OvsdbLogFile _file;
    private readonly IActorRef _server;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _sizeAtCompaction;

    public static Props Props(OvsdbLogFile file, IActorRef server, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new LogDatabaseActor(file, server, time));

    public LogDatabaseActor(OvsdbLogFile file, IActorRef server, TimeProvider time)
    {
        _file = file;
        _server = server;
        _time = time;
        Engine = new DatabaseEngine(file.Snapshot, new FileJournal(this), time, RandomUuids.New);
        _sizeAtCompaction = file.Size;
        Receive<Transact>(transact =>
        {
            // A backup is what its source is, and nothing else.
            if (Engine.IsReadOnly && IsOurs(transact)) return;
            Run(transact);
            CompactIfDue();
        });
        ReceiveClients();
        Receive<SetBackup>(backup => Engine.IsReadOnly = backup.IsBackup);
        Receive<FollowDelta>(follow =>
        {
            Engine.Follow(follow.Delta);
            CompactIfDue();
        });
        Receive<FollowWhole>(whole => Engine.Follow(
            DatabaseDifference.Between(Engine.Head, whole.Database, whole.KeptTables)));
        Receive<ConvertDatabase>(Convert);
        Receive<ClusterRequest>(_ => Sender.Tell(new HostAnswer("", "unknown cluster")));
        Receive<CompactDatabase>(_ =>
        {
            Compact("compacting database online");
            Sender.Tell(new DatabaseCompacted(Engine.Head.Schema.Name));
        });
    }

    protected override void PreStart() =>
        _server.Tell(new ServeDatabase(new ServedDatabase(Engine.Head.Schema, Self)));

    protected override void PostStop() => _file.Dispose();

    private static bool IsOurs(Transact transact) =>
        ReferenceEquals(transact.Origin, TransactionOrigin.Internal);

    private void Convert(ConvertDatabase convert)
    {
        if (Engine.IsReadOnly)
        {
            Sender.Tell(new TransactCompleted(convert.RequestId, [], OvsdbError.NotAllowed(
                "convert operation not allowed when database server is in read only mode")));
            return;
        }

        if (!SchemaConversion.TryConvert(
            Engine.Head, convert.Schema, Guid.NewGuid(), out var converted, out var error))
        {
            Sender.Tell(new TransactCompleted(convert.RequestId, [], error));
            return;
        }

        Engine.Reset(converted);
        _file.Compact(converted, _time.GetUtcNow(), "converted by ovsdb-server");
        _sizeAtCompaction = _file.Size;
        Sender.Tell(new TransactCompleted(convert.RequestId, [], null));
        _server.Tell(new ServeDatabase(new ServedDatabase(convert.Schema, Self)));
    }

    /// <remarks>As ovsdb-server: when the file is large and four times what it was.</remarks>
    private void CompactIfDue()
    {
        if (_file.Size < CompactSizeMin || _file.Size < 4 * _sizeAtCompaction) return;
        Compact("compacting database online");
    }

    private void Compact(string comment)
    {
        _file.Compact(Engine.Head, _time.GetUtcNow(), comment);
        _sizeAtCompaction = _file.Size;
        _log.Info("{0}: compacted to {1} bytes", _file.Path, _file.Size);
    }

    private sealed class FileJournal(LogDatabaseActor actor) : IDatabaseJournal
    {
        public void Append(DatabaseDelta delta, Action durable)
        {
            actor._file.Append(delta, actor._time.GetUtcNow(), delta.IsDurable);
            durable();
        }

        public void AfterAppended(Action reached) => reached();
    }
}

/// <summary>Asks a database in a file to rewrite it without its history.</summary>
internal sealed record CompactDatabase;

internal sealed record DatabaseCompacted(string Name);

/// <summary>From now on the database follows another one, or does not any more.</summary>
internal sealed record SetBackup(bool IsBackup);

/// <summary>One transaction of the database that is followed.</summary>
internal sealed record FollowDelta(DatabaseDelta Delta);

/// <summary>All of the database that is followed; tables that are kept stay as they are.</summary>
internal sealed record FollowWhole(
    DatabaseSnapshot Database, ImmutableHashSet<string> KeptTables);

/// <summary><see cref="DatabaseDescribed"/> answers.</summary>
internal sealed record DescribeDatabase;

internal sealed record DatabaseDescribed(DatabaseSnapshot Snapshot, int SubscriberCount);
