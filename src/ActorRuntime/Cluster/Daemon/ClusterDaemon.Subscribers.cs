using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

internal sealed partial class ClusterDaemon
{
    private readonly Dictionary<IActorRef, ImmutableHashSet<Type>> _subscribers = [];

    /// <summary>Nobody asks for them in a fabric: see <see cref="ClusterEventDiff"/>.</summary>
    private bool _areRoleLeadersWanted;

    /// <summary>In the order of subscription, so that no hash decides who hears first.</summary>
    private ImmutableList<IActorRef> _subscriptionOrder = [];

    private void AddSubscriber(Subscribe subscribe)
    {
        var subscriber = subscribe.Subscriber;
        var isNew = !_subscribers.TryGetValue(subscriber, out var types);
        _subscribers[subscriber] = (types ?? []).Union(subscribe.To);
        _areRoleLeadersWanted |= subscribe.To.Any(
            type => type.IsAssignableFrom(typeof(ClusterEvent.RoleLeaderChanged)));
        if (isNew)
        {
            _subscriptionOrder =
                [.. _subscriptionOrder.Where(_subscribers.ContainsKey).Where(s =>
                    !s.Equals(subscriber)),
                    subscriber];
            Context.Watch(subscriber);
        }

        if (subscribe.InitialState
            == ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot)
        {
            subscriber.Tell(ClusterEventDiff.Snapshot(_state));
            return;
        }

        foreach (var change in ClusterEventDiff.FromNothing(_state))
        {
            if (subscribe.To.Any(type => type.IsInstanceOfType(change))) subscriber.Tell(change);
        }
    }

    private void RemoveSubscriber(Unsubscribe unsubscribe)
    {
        if (!_subscribers.TryGetValue(unsubscribe.Subscriber, out var types)) return;
        var left = unsubscribe.To is null ? [] : types.Remove(unsubscribe.To);
        if (!left.IsEmpty)
        {
            _subscribers[unsubscribe.Subscriber] = left;
            return;
        }

        _subscribers.Remove(unsubscribe.Subscriber);
        Context.Unwatch(unsubscribe.Subscriber);
    }

    private void Publish(MembershipState old)
    {
        _cluster.StateChanged(ClusterEventDiff.Snapshot(_state), _state.SelfMember);
        foreach (var change in ClusterEventDiff.Between(old, _state, _areRoleLeadersWanted))
        {
            _cluster.EventOccurred(change);
            Tell(change);
        }
    }

    private void Tell(ClusterEvent.IClusterDomainEvent change)
    {
        foreach (var subscriber in _subscriptionOrder)
        {
            if (_subscribers.TryGetValue(subscriber, out var types)
                && types.Any(type => type.IsInstanceOfType(change)))
            {
                subscriber.Tell(change);
            }
        }
    }
}
