using System.Collections.Immutable;
using System.Numerics;
using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Replicated collections read as collections.</summary>
public sealed class ReplicatedCollectionTests
{
    private static readonly UniqueAddress A = new(new Address("akka", "s", "a", 1), 1);
    private static readonly UniqueAddress B = new(new Address("akka", "s", "b", 1), 2);

    [Fact]
    public void A_dictionary_of_replicated_values()
    {
        var empty = ORDictionary<string, GSet<int>>.Empty;
        Assert.True(empty.IsEmpty);
        var map = ORDictionary.Create(A, "x", GSet.Create(1))
            .SetItem(A, "y", GSet.Create(2))
            .AddOrUpdate(B, "y", GSet<int>.Empty, set => set.Add(3));
        Assert.Equal(2, map.Count);
        Assert.Equal(["x", "y"], map.Keys.Order());
        Assert.Equal([1, 2, 3], map.Values.SelectMany(set => set.Elements).Order());
        Assert.True(map.ContainsKey("x") && !map.ContainsKey("z"));
        Assert.True(map.TryGetValue("y", out var found));
        Assert.True(found.Contains(2) && found.Count == 2 && !found.IsEmpty);
        Assert.Equal(map["y"], map.Entries["y"]);
        Assert.False(map.Remove(A, "x").ContainsKey("x"));
        Assert.Equal([A, B], map.ModifiedByNodes.Order());
        Assert.NotNull(map.Delta!.Then(map.Delta));
        Assert.Same(empty.GetType(), ((IReplicatedDelta)map.Delta).Zero.GetType());
    }

    [Fact]
    public void A_dictionary_of_last_writers()
    {
        var map = LWWDictionary.Create(A, "x", 1).SetItem(A, "y", 2);
        Assert.False(map.IsEmpty);
        Assert.Equal((1, 2), (map["x"], map.Entries["y"]));
        Assert.Equal([1, 2], map.Values.Order());
        Assert.Equal(["x", "y"], map.Keys.Order());
        Assert.True(map.ContainsKey("x"));
        Assert.True(map.TryGetValue("y", out var found) && found == 2);
        Assert.False(map.TryGetValue("z", out _));
        var register = new LWWRegister<int>(A, 5);
        Assert.Equal(A, register.UpdatedBy);
        Assert.True(register.WithValue(B, 6).Timestamp > register.Timestamp);
    }

    [Fact]
    public void A_dictionary_of_sets()
    {
        var map = ORMultiValueDictionary.Create(A, "x", 1, 2)
            .SetItems(A, "y", ImmutableHashSet.Create(3));
        Assert.Equal(2, map.Count);
        Assert.False(map.IsEmpty);
        Assert.Equal(["x", "y"], map.Keys.Order());
        Assert.Equal([1, 2, 3], map.Values.SelectMany(set => set).Order());
        Assert.True(map.ContainsKey("y"));
        Assert.True(map.TryGetValue("x", out var found) && found.SetEquals([1, 2]));
        Assert.True(map.Entries["y"].SetEquals([3]));
    }

    [Fact]
    public void A_dictionary_of_counters()
    {
        var map = PNCounterDictionary<string>.Empty.Increment(A, "x", 5).Decrement(B, "x", 2)
            .Increment(B, "y");
        Assert.Equal(2, map.Count);
        Assert.False(map.IsEmpty);
        Assert.Equal((BigInteger)3, map["x"]);
        Assert.Equal((BigInteger)1, map.Entries["y"]);
        Assert.Equal(["x", "y"], map.Keys.Order());
        Assert.Equal((BigInteger)4, map.Values.Aggregate(BigInteger.Add));
        Assert.True(map.ContainsKey("x"));
        Assert.True(map.TryGetValue("y", out var found) && found == 1);
        Assert.False(map.Remove(A, "x").ContainsKey("x"));
        var counter = PNCounter.Empty.Increment(A, 5).Decrement(A, 2);
        Assert.Equal((5UL, 2UL), (counter.Increments.Value, counter.Decrements.Value));
    }

    [Fact]
    public void Sets_flags_and_versions()
    {
        var set = ORSet.Create(A, 1, 2);
        Assert.Equal(2, set.Count);
        Assert.False(set.IsEmpty);
        Assert.Equal([1, 2], set.Elements.Order());
        var one = set.ResetDelta().Add(A, 3);
        var two = one.ResetDelta().Add(A, 4);
        var both = one.Delta!.Then(two.Delta!);
        Assert.Equal(1, ((IReplicatedDeltaSize)both).DeltaSize); // Additions become one.
        Assert.Equal(4, set.MergeDelta(both).Count);
        bool isOn = Flag.False.SwitchOn();
        Assert.True(isOn);

        var version = VersionVector.Empty.Increment(A).Increment(A);
        Assert.True(VersionVector.Empty.IsEmpty && !version.IsEmpty);
        var merged = version.Merge(VersionVector.Empty.Increment(B));
        Assert.Equal(version.VersionAt(A), merged.VersionAt(A));
        Assert.True(merged.VersionAt(B) > 0);
        Assert.Equal(GCounter.Empty, new GetSuccess(
            new GCounterKey("k"), null, GCounter.Empty).Data);
    }

    [Fact]
    public void Requests_of_the_dsl_name_key_consistency_and_function()
    {
        var key = new GCounterKey("counter");
        Assert.Equal("counter", key.Id);
        Assert.Same(ReadLocal.Instance, Dsl.ReadLocal);
        Assert.Same(WriteLocal.Instance, Dsl.WriteLocal);
        Assert.Same(GetKeyIds.Instance, Dsl.GetKeyIds);
        Assert.Same(GetReplicaCount.Instance, Dsl.GetReplicaCount);
        var update = Dsl.Update(
            key, GCounter.Empty, WriteLocal.Instance, "request", value => value.Increment(A));
        Assert.Same(key, update.Key);
        Assert.Same(WriteLocal.Instance, update.Consistency);
        Assert.Equal("request", update.Request);
        Assert.Same(GCounter.Empty, update.Initial);
        Assert.Equal(1UL, ((GCounter)update.Modify(update.Initial)!).Value);
        Assert.Same(key, new Update(key, GCounter.Empty, WriteLocal.Instance, data => data!).Key);
        var delete = Dsl.Delete(key, new WriteMajority(TimeSpan.FromSeconds(1), 3), "why");
        Assert.Equal(3, ((WriteMajority)delete.Consistency).MinCapacity);
        Assert.Equal(TimeSpan.FromSeconds(1), delete.Consistency.Timeout);
        Assert.Equal("why", delete.Request);
        var get = Dsl.Get(key, new ReadMajority(TimeSpan.FromSeconds(2), 4), "ask");
        Assert.Equal(4, ((ReadMajority)get.Consistency).MinCapacity);
        Assert.Equal(TimeSpan.FromSeconds(2), get.Consistency.Timeout);
        Assert.Equal("ask", get.Request);
        Assert.Same(key, ((ICommand)get).Key);
        Assert.Same(key, Dsl.Subscribe(key, ActorRefs.Nobody).Key);
        var end = Dsl.Unsubscribe(key, ActorRefs.Nobody);
        Assert.Equal((key, (IActorRef)ActorRefs.Nobody), ((GCounterKey)end.Key, end.Subscriber));
    }

    [Fact]
    public void Answers_say_whether_they_are_good_ones()
    {
        var key = new GCounterKey("counter");
        IGetResponse found = new GetSuccess(key, "r", GCounter.Empty.Increment(A));
        Assert.True(found is { IsSuccessful: true, IsFailure: false, Request: "r" });
        Assert.Same(key, found.Key);
        IGetResponse missing = new NotFound(key, "r");
        Assert.False(missing.IsSuccessful || missing.IsFailure);
        Assert.True(((IGetResponse)new GetFailure(key, "r")).IsFailure);
        IUpdateResponse late = new UpdateTimeout(key, "r");
        Assert.Throws<TimeoutException>(late.ThrowOnFailure);
        Assert.Equal((key, (object?)"r"), ((GCounterKey)late.Key, late.Request));
        new UpdateSuccess(key, null).ThrowOnFailure();
        var cause = new InvalidOperationException("why");
        var failure = new ModifyFailure(key, "text", cause, null);
        Assert.Same(cause, failure.Cause);
        IDeleteResponse gone = new DeleteSuccess(key);
        Assert.True(gone is { IsSuccessful: true, AlreadyDeleted: false });
        Assert.Same(key, gone.Key);
        Assert.True(((IDeleteResponse)new DataDeleted(key)).AlreadyDeleted);
        Assert.False(((IDeleteResponse)new ReplicationDeleteFailure(key)).IsSuccessful);
    }
}
