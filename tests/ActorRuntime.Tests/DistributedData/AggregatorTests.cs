#nullable disable
using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;
using Akka.TestKit;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.DistributedData;

/// <summary>Reads and writes of several replicas, on a clock that the test moves.</summary>
public sealed class AggregatorTests() : TestKit(
    "akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan TwoThirds = TimeSpan.FromSeconds(2);

    private TestScheduler Time => (TestScheduler)Sys.Scheduler;

    private ImmutableArray<IActorRef> TwoReplicas => [TestActor, TestActor];

    /// <remarks>
    /// Goal: who asked waits no longer than he said. Method: one of two replicas answers when two
    /// thirds of the time are over, and no other one does.
    /// </remarks>
    [Fact]
    public void A_write_fails_in_time_also_when_some_have_answered()
    {
        var asker = CreateTestProbe();
        var replicas = TwoReplicas;
        var write = Sys.ActorOf(Props.Create(() => new WriteAggregator(
            "key", DataEnvelope.Of(Flag.True), 3, Patience, replicas, asker.Ref, "done", "late")));
        ExpectMsg<ReplicaWrite>();
        ExpectMsg<ReplicaWrite>();
        AnswerLate(write, new ReplicaWriteAck());
        asker.ExpectMsg("late");
    }

    [Fact]
    public void A_read_fails_in_time_also_when_some_have_answered()
    {
        var asker = CreateTestProbe();
        var replicas = TwoReplicas;
        var get = new Get(new FlagKey("key"), new ReadAll(Patience));
        var read = Sys.ActorOf(Props.Create(() => new ReadAggregator(
            get, null, 3, replicas, asker.Ref, ActorRefs.Nobody)));
        ExpectMsg<ReplicaRead>();
        ExpectMsg<ReplicaRead>();
        AnswerLate(read, new ReplicaReadResult(null));
        asker.ExpectMsg<GetFailure>();
    }

    private void AnswerLate(IActorRef aggregator, object answer)
    {
        Time.Advance(TwoThirds);
        aggregator.Tell(answer, TestActor);
        aggregator.Tell(new Identify(1), TestActor);
        ExpectMsg<ActorIdentity>(); // It has taken the answer.
        Time.Advance(TwoThirds);
    }
}
