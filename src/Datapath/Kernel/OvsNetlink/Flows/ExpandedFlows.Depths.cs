using System.Collections.Immutable;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>How often packets have recirculated in the device when they meet a flow.</content>
/// <remarks>
/// OVSEXT carries a packet through four recirculations, our own extension too, and what goes deeper
/// is dropped there. A list that would be one too many is the provider's: its packets come up, and
/// what is given back to the device begins anew.
/// </remarks>
internal sealed partial class ExpandedFlows
{
    /// <summary>By recirculation id: the deepest known way there. 1 is what is not known.</summary>
    private readonly Dictionary<uint, int> _depths = [];

    /// <summary>By recirculation id: the megaflows that match it.</summary>
    private readonly Dictionary<uint, HashSet<Expansion>> _recirculated = [];

    private int DepthOf(uint number) => number == 0 ? 0 : _depths.GetValueOrDefault(number, 1);

    /// <summary>Whether the device gets that far with packets of this recirculation id.</summary>
    private bool IsShallow(
        NetlinkConnection connection, uint number, ImmutableArray<DatapathAction> actions)
    {
        if (connection.Dialect != NetlinkDialect.Ovsext || !TargetsOf(actions).Any()) return true;
        lock (_gate) return DepthOf(number) < OvsNetlinkLimits.RecirculationsMax;
    }

    /// <summary>Notes where a list leads, and from how deep.</summary>
    /// <returns>Microflows that lie deeper than was known: to be written again.</returns>
    private ImmutableArray<Microflow> Deepen(
        NetlinkConnection connection, uint number, bool isTheDevices,
        ImmutableArray<DatapathAction> actions)
    {
        if (connection.Dialect != NetlinkDialect.Ovsext) return [];
        var stale = ImmutableArray.CreateBuilder<Microflow>();
        foreach (var target in TargetsOf(actions))
        {
            lock (_gate)
            {
                var depth = (isTheDevices ? DepthOf(number) : 0) + 1;
                if (depth <= DepthOf(target)) continue;
                if (_depths.Count >= OvsNetlinkLimits.RecirculationIdsMax) ForgetUnused();
                _depths[target] = depth;
                if (!_recirculated.TryGetValue(target, out var owners)) continue;
                foreach (var owner in owners)
                {
                    owner.Version++;
                    stale.AddRange(owner.Microflows);
                }
            }
        }

        return stale.ToImmutable();
    }

    private void ForgetUnused()
    {
        foreach (var number in _depths.Keys.Where(number => !_recirculated.ContainsKey(number))
            .ToArray())
        {
            _depths.Remove(number);
        }
    }

    private void Track(Expansion expansion, uint number)
    {
        if (number == 0) return;
        if (!_recirculated.TryGetValue(number, out var owners))
            _recirculated.Add(number, owners = []);
        owners.Add(expansion);
    }

    private void Untrack(Expansion expansion, uint number)
    {
        if (!_recirculated.TryGetValue(number, out var owners)) return;
        owners.Remove(expansion);
        if (owners.Count == 0) _recirculated.Remove(number);
    }

    private static IEnumerable<uint> TargetsOf(ImmutableArray<DatapathAction> actions) =>
        actions.IsDefault ? [] : actions.SelectMany(action => action switch
        {
            RecirculateAction next => [next.RecirculationId],
            CloneAction clone => TargetsOf(clone.Actions),
            SampleAction sample => TargetsOf(sample.Actions),
            CheckPacketLengthAction check =>
                TargetsOf(check.IfGreater).Concat(TargetsOf(check.IfLessOrEqual)),
            _ => [],
        });
}
