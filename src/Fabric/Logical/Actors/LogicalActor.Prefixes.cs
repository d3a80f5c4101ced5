using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Prefixes that the network outside delegates to routers.</content>
public sealed partial class LogicalActor
{
    private IActorRef? _delegation;

    private void TellPrefixes(LogicalTopology topology, HostView view)
    {
        var wanted = PrefixDelegations.Of(topology, view);
        if (wanted.IsEmpty && _delegation is null) return;
        _delegation ??= Context.ActorOf(PrefixDelegationActor.Props(), "prefix-delegation");
        _delegation.Tell(new PrefixesWanted(_bridge!, wanted));
    }

    /// <summary>Logical_Router_Port.ipv6_prefix, which advertisements tell.</summary>
    private void OnDelegated(PrefixesDelegated delegated)
    {
        if (_compiler.Topology is not { } topology) return;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var (uuid, prefix) in delegated.Prefixes)
        {
            if (topology.Rows.RouterPorts.TryGetValue(uuid, out var port)
                && !port.DelegatedPrefixes.SequenceEqual([prefix]))
            {
                operations.Add(Operation.UpdateRow("Logical_Router_Port", uuid, new ColumnValue(
                    "ipv6_prefix", Datum.Strings([$"{prefix}"]))));
            }
        }

        if (operations.Count > 0)
            _around.Northbound.Tell(new Transact(++_lastRequest, operations.ToImmutable()));
    }
}
