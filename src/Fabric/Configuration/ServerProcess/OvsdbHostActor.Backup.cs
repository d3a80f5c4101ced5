using System.Collections.Immutable;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <content>Active-backup: following another server (ovsdb(7), "Active-Backup").</content>
internal sealed partial class OvsdbHostActor
{
    private static readonly TimeSpan ProbeMin = TimeSpan.FromSeconds(1);

    private string _source = "";
    private string _excludedText = "";
    private TimeSpan _sourceProbe = TimeSpan.FromSeconds(60);
    private bool _isBackup;
    private IActorRef? _replication;
    private ReplicationStatus _replicating = Unconnected;

    private static ReplicationStatus Unconnected { get; } =
        new(ReplicationState.NotConnected, []);

    private void ReceiveBackup()
    {
        Receive<HostRequest.SetSource>(set =>
        {
            _source = set.Text;
            FollowAnew();
            Sender.Tell(new HostAnswer("", null));
        });
        Receive<HostRequest.GetSource>(
            _ => Sender.Tell(new HostAnswer(_source, null)));
        Receive<HostRequest.SetExcluded>(set =>
        {
            _excludedText = set.Text;
            FollowAnew();
            Sender.Tell(new HostAnswer("", null));
        });
        Receive<HostRequest.GetExcluded>(
            _ => Sender.Tell(new HostAnswer(string.Join(',', Excluded), null)));
        Receive<HostRequest.SetProbe>(set => Sender.Tell(SetProbe(set.Milliseconds)));
        Receive<HostRequest.Follow>(follow => Sender.Tell(Follow(follow.IsBackup)));
        Receive<HostRequest.SyncStatus>(_ => Sender.Tell(new HostAnswer(SyncStatus(), null)));
        Receive<ReplicationStatus>(status =>
        {
            if (!Sender.Equals(_replication)) return;
            _replicating = status;

            // A source that can never be followed: as ovsdb-server, better active than nothing.
            if (status.State == ReplicationState.Failed) Follow(isBackup: false);
        });
    }

    private ImmutableSortedSet<string> Excluded => ImmutableSortedSet.CreateRange(
        StringComparer.Ordinal,
        _excludedText.Split(',', StringSplitOptions.RemoveEmptyEntries
            | StringSplitOptions.TrimEntries));

    private HostAnswer SetProbe(string milliseconds)
    {
        if (!long.TryParse(
            milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value > int.MaxValue)
        {
            return new HostAnswer("Invalid probe interval, integer value expected", null);
        }

        _sourceProbe = TimeSpan.FromMilliseconds(value);
        if (_sourceProbe > TimeSpan.Zero && _sourceProbe < ProbeMin) _sourceProbe = ProbeMin;
        FollowAnew();
        return new HostAnswer("", null);
    }

    private HostAnswer Follow(bool isBackup)
    {
        if (isBackup && _source.Length == 0)
        {
            return new HostAnswer("Unable to connect: active server is not specified.\n", null);
        }

        if (isBackup == _isBackup) return new HostAnswer("", null);
        _isBackup = isBackup;
        FollowAnew();

        // Who was connected asked for a server that may be written, or for one that may not.
        _server.Tell(new CloseSessions());
        return new HostAnswer("", null);
    }

    /// <summary>Databases, source or exclusions are others: following starts over.</summary>
    private void FollowAnew()
    {
        if (_replication is { } before) Context.Stop(before);
        _replication = null;
        _replicating = Unconnected;
        foreach (var file in _files.Values) file.Actor.Tell(new SetBackup(_isBackup));
        if (!_isBackup) return;
        if (!OvsdbRemote.TryParse(_source, out var remote) || remote.IsPassive)
        {
            _log.Warning("{0}: not a server to follow", _source);
            return;
        }

        remote = Placed(remote);
        var databases = _files.ToImmutableSortedDictionary(
            pair => pair.Key, pair => new ServedDatabase(pair.Value.Schema, pair.Value.Actor),
            StringComparer.Ordinal);
        _replication = Context.ActorOf(
            ReplicationActor.Props(new ReplicationPlan(
                remote, _tls, _serverId, databases, Excluded)
            {
                ProbeInterval = _sourceProbe,
            }),
            $"replication-{_next++}");
    }

    private string SyncStatus()
    {
        if (!_isBackup) return "state: active\n";
        var text = _replicating.State switch
        {
            ReplicationState.Connecting => $"connecting: {_source}",
            ReplicationState.Replicating => $"replicating: {_source}\n"
                + $"database: {string.Join(", ", _replicating.Databases)}"
                + (Excluded.IsEmpty ? "" : $"\nexclude: {string.Join(',', Excluded)}"),
            _ => $"not connected to {_source}",
        };
        return $"state: backup\n{text}";
    }
}
