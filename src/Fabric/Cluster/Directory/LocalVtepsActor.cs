using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.Cluster;

/// <summary>Publishes this host's VTEPs as its Open_vSwitch row names them.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> from the Open_vSwitch database.
/// Says:   <see cref="SubscribeDatabase"/>; <see cref="PublishVteps"/> to host/cluster.
/// Holds:  nothing.
/// Fails:  when the database's actor is gone for good: its parent starts it anew.
/// </remarks>
public sealed class LocalVtepsActor : ReceiveActor
{
    private readonly string _host;
    private readonly IActorRef _database;
    private readonly IActorRef _cluster;

    public LocalVtepsActor(string host, IActorRef database, IActorRef cluster)
    {
        _host = host;
        _database = database;
        _cluster = cluster;
        Receive<DatabaseChanged>(changed =>
        {
            var isFirst = changed.Before.TransactionId == Guid.Empty;
            if (isFirst || changed.Changes.Any(change => change.Table == "Open_vSwitch"))
                _cluster.Tell(LocalVteps.Read(_host, changed.After));
        });
    }

    public static Props Props(string host, IActorRef database, IActorRef cluster) =>
        Akka.Actor.Props.Create(() => new LocalVtepsActor(host, database, cluster));

    protected override void PreStart()
    {
        Context.Watch(_database);
        Context.Watch(_cluster);
        _database.Tell(new SubscribeDatabase(Self));
    }
}

/// <summary>OVN's keys of Open_vSwitch.external_ids that make VTEPs.</summary>
public static class LocalVteps
{
    /// <remarks>
    /// ovn-encap-type and ovn-encap-ip are lists with commas; every type has every address. A key
    /// with the host id behind a hyphen wins over the plain one, as in OVN. ovn-encap-csum becomes
    /// option csum. What is no type that the fabric has, or no address, is left out.
    /// </remarks>
    public static PublishVteps Read(string host, DatabaseSnapshot database)
    {
        var row = database.Table("Open_vSwitch").First;
        var types = Split(Value("ovn-encap-type") ?? "geneve")
            .Where(type => type is "geneve" or "vxlan").ToImmutableArray();
        var options = Ordinal.EmptyMap<string>();
        if (Value("ovn-encap-csum") is { } csum) options = options.Add("csum", csum);
        var name = row?.GetMapValue("external_ids", "hostname") ?? host;
        var vteps = ImmutableSortedSet.CreateBuilder<Vtep>();
        foreach (var text in Split(Value("ovn-encap-ip") ?? ""))
        {
            if (!IPAddress.TryParse(text, out var address)) continue;
            foreach (var type in types) vteps.Add(new Vtep(host, name, type, address, options));
        }

        return new PublishVteps(name, vteps.ToImmutable());

        string? Value(string key) => row?.GetMapValue("external_ids", $"{key}-{host}")
            ?? row?.GetMapValue("external_ids", key);
    }

    private static string[] Split(string list) => list.Split(
        ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
