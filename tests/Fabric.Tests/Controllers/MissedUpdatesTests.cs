using Fabric.Controllers;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Controllers;

/// <summary>What a peer is told of changes that it was too slow to hear one by one.</summary>
public sealed class MissedUpdatesTests
{
    private readonly MissedUpdates _missed = new();

    [Fact]
    public void A_flow_that_came_and_went_is_not_told_of()
    {
        Add(FlowUpdateEvent.Added, 1);
        Add(FlowUpdateEvent.Modified, 1);
        Add(FlowUpdateEvent.Removed, 1);
        Assert.Empty(_missed.ToEquatableArray());
    }

    [Fact]
    public void A_known_flow_that_was_changed_and_went_is_gone()
    {
        Add(FlowUpdateEvent.Modified, 1);
        Add(FlowUpdateEvent.Removed, 1);
        Assert.Equal(FlowUpdateEvent.Removed, Assert.Single(_missed.ToEquatableArray()).Event);
    }

    [Fact]
    public void A_new_flow_that_was_changed_is_told_as_it_is_now()
    {
        Add(FlowUpdateEvent.Added, 1, cookie: 5);
        Add(FlowUpdateEvent.Modified, 1, cookie: 6);
        var update = Assert.Single(_missed.ToEquatableArray());
        Assert.Equal((FlowUpdateEvent.Added, 6ul), (update.Event, update.Cookie));
    }

    [Fact]
    public void What_is_gone_is_told_before_what_has_taken_its_place()
    {
        Add(FlowUpdateEvent.Removed, 1);
        Add(FlowUpdateEvent.Added, 1);
        Add(FlowUpdateEvent.Removed, 2);
        Assert.Equal(
            [FlowUpdateEvent.Removed, FlowUpdateEvent.Removed, FlowUpdateEvent.Added],
            _missed.ToEquatableArray().Select(update => update.Event));
    }

    private void Add(FlowUpdateEvent what, ushort priority, ulong cookie = 0) =>
        _missed.Add(new OfFlowUpdate(
            what, 0, FlowRemovedReason.Delete, 0, 0, priority, cookie, Match.Any,
            ActionList.Empty, 0));
}
