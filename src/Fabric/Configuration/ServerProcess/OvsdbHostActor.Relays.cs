using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Configuration;

/// <content>Relays: databases that other servers hold (ovsdb(7), "Relay Service Model").</content>
internal sealed partial class OvsdbHostActor
{
    private const string RelayPrefix = "relay:";

    private readonly SortedDictionary<string, HostedRelay> _relays = new(StringComparer.Ordinal);

    /// <param name="Given">relay:DATABASE:REMOTE[,REMOTE]...</param>
    private sealed record HostedRelay(string Given, IActorRef Actor);

    private bool IsKnown(string name) => _files.ContainsKey(name) || _relays.ContainsKey(name);

    private HostAnswer AddRelay(string given)
    {
        var parts = given[RelayPrefix.Length..].Split(':', 2);
        if (parts.Length < 2 || parts[0].Length == 0 || parts[1].Length == 0)
        {
            return new HostAnswer("", $"ovsdb error: {given}: invalid syntax");
        }

        var name = parts[0];
        if (IsKnown(name))
        {
            return new HostAnswer("", $"ovsdb error: {name}: duplicate database name");
        }

        var remotes = ImmutableArray.CreateBuilder<OvsdbRemote>();
        foreach (var text in parts[1].Split(','))
        {
            if (!OvsdbRemote.TryParse(text, out var remote) || remote.IsPassive)
            {
                return new HostAnswer("", $"ovsdb error: {given}: {text}: no active remote");
            }

            remotes.Add(Placed(remote));
        }

        _relays.Add(name, new HostedRelay(given, Context.ActorOf(
            RelayActor.Props(name, remotes.ToImmutable(), _tls, _server, _time),
            $"relay-{_next++}")));
        return new HostAnswer("", null);
    }

    private bool RemoveRelay(string name)
    {
        if (!_relays.Remove(name, out var relay)) return false;
        Context.Stop(relay.Actor);
        _server.Tell(new StopServingDatabase(name));
        return true;
    }

    /// <summary>The socket of a Unix remote is where the run folder is.</summary>
    private static OvsdbRemote Placed(OvsdbRemote remote) => remote.IsUnix
        ? remote with
        {
            Path = Path.GetFullPath(OvsFolders.Under(OvsFolders.Run, remote.Path)),
        }
        : remote;
}
