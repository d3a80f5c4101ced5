using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Pattern;
using Akka.Serialization;
using Akka.TestKit.Xunit2;
using Akka.Util;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Logging, options, surrogates, serializers, breakers: the members left over.</summary>
public sealed class EventMemberTests : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Levels_and_adapters()
    {
        Assert.Equal(typeof(Debug), Logging.ClassFor(LogLevel.DebugLevel));
        Assert.Equal("ERROR", Logging.StringFor(LogLevel.ErrorLevel), ignoreCase: true);
        Assert.Equal(LogLevel.InfoLevel, Logging.LogLevelFor("info"));
        Assert.Equal("1 x", DefaultLogMessageFormatter.Instance.Format("{0} {1}", 1, "x"));
        ILogMessageFormatter formatter = new DefaultLogMessageFormatter();
        Assert.Equal("y", formatter.Format("{0}", ["y"]));
        Sys.EventStream.SetLogLevel(LogLevel.InfoLevel);
        Assert.Equal(LogLevel.InfoLevel, Sys.EventStream.LogLevel);
        var log = Sys.Log;
        Assert.NotNull(log.Formatter);
        Assert.Equal((false, true, true, true), (log.IsDebugEnabled, log.IsInfoEnabled,
            log.IsWarningEnabled, log.IsErrorEnabled));
        Assert.True(log.IsEnabled(LogLevel.ErrorLevel));
        Sys.EventStream.Subscribe(TestActor, typeof(Info));
        log.Log(LogLevel.InfoLevel, null, "by level");
        var said = ExpectMsg<Info>(info => $"{info.Message}" == "by level");
        Assert.Same(Thread.CurrentThread, said.Thread);
        Assert.True(said.Timestamp > DateTime.UnixEpoch);
        log.Log(LogLevel.InfoLevel, "{0}", "with arguments");
        var message = (LogMessage)ExpectMsg<Info>().Message;
        Assert.Equal("{0}", message.Format);
        Assert.Equal(["with arguments"], message.Parameters());
        Assert.Contains("with arguments", message.Unformatted(), StringComparison.Ordinal);
        Assert.True(Sys.EventStream.Unsubscribe<Info>(TestActor));
        var changed = new Kept();
        Assert.Equal(("other", "there", typeof(Debug)),
            ((string)changed.Message, changed.LogSource, changed.LogClass));
        Assert.IsType<FormatException>(changed.Cause);
        Assert.Equal("u", new Template().Unformatted());
        Assert.NotNull(new InitializeLogger(Sys.EventStream).LoggingBus);
        var logger = Sys.ActorOf(Props.CreateBy<DefaultLogger>(() => new DefaultLogger()));
        Watch(logger).Tell(PoisonPill.Instance);
        ExpectMsg<Terminated>();
        var hidden = new SuppressedDeadLetter(new Hidden(), TestActor, TestActor);
        Assert.IsType<Hidden>(hidden.Message);
    }

    private sealed class Hidden : IDeadLetterSuppression;

    private sealed class Template() : LogMessage(DefaultLogMessageFormatter.Instance, "{0}")
    {
        public override string Unformatted() => Formatter.Format(Format, "u");
        public override IEnumerable<object> Parameters() => [];
    }

    private sealed class Kept : LogEvent
    {
        public Kept() => (Message, LogSource, LogClass, Cause) =
            ("other", "there", typeof(Debug), new FormatException());

        public override LogLevel LogLevel() => Akka.Event.LogLevel.InfoLevel;
    }

    [Fact]
    public void Values_that_may_be_missing()
    {
        var (some, none) = (new Option<int>(5), Option<string>.None);
        Assert.True(!some.IsEmpty && none.IsEmpty);
        Assert.Equal(5, Option<int>.Create(5).GetOrElse(6));
        Assert.Equal("x", none.GetOrElse("x"));
        Assert.Equal("y", none.OrElse("y").Value);
        Assert.Equal("5", some.Select(value => $"{value}").Value);
        var seen = 0;
        some.OnSuccess(value => seen = value);
        Assert.Equal(5, seen);
        Option<string> converted = "z";
        Assert.Equal("z", converted.Value);
    }

    [Fact]
    public void References_cross_the_wire_as_surrogates()
    {
        ISurrogate surrogate = ((ISurrogated)TestActor).ToSurrogate(Sys);
        Assert.Equal(TestActor, surrogate.FromSurrogate(Sys));
    }

    [Fact]
    public void Serializers_are_found_by_type()
    {
        var serialization = Sys.Serialization;
        Assert.Same(Sys, serialization.System);
        Assert.NotNull(new Serialization((ExtendedActorSystem)Sys));
        var own = new Own((ExtendedActorSystem)Sys);
        serialization.AddSerializer("own", own);
        serialization.AddSerializationMap(typeof(Hidden), own);
        Assert.Same(own, serialization.FindSerializerForType(typeof(Hidden)));
        Assert.True(own.IncludeManifest);
        Assert.Equal([1], own.ToBinaryWithAddress(new Address("akka", "s"), new Hidden()));
        var bytes = new ByteArraySerializer((ExtendedActorSystem)Sys);
        Assert.Equal([2], bytes.ToBinary(new byte[] { 2 }));
        Assert.Equal(4, SerializerIdentifierHelper.GetSerializerIdentifierFromConfig(
            typeof(ByteArraySerializer), (ExtendedActorSystem)Sys));
    }

    private sealed class Own(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => 4711;
        public override string Manifest(object o) => "own";
        public override byte[] ToBinary(object obj) => [1];
        public override object FromBinary(byte[] bytes, string manifest) => new Hidden();
    }

    [Fact]
    public async Task A_breaker_counts_and_closes_again()
    {
        var breaker = CircuitBreaker.Create(
            Sys.Scheduler, 2, Patience, TimeSpan.FromMilliseconds(5));
        Assert.Equal((Patience, TimeSpan.FromMilliseconds(5)),
            (breaker.CallTimeout, breaker.ResetTimeout));
        breaker.Fail();
        Assert.Equal(1, breaker.CurrentFailureCount);
        breaker.Succeed();
        Assert.Equal(0, breaker.CurrentFailureCount);
        breaker.Fail();
        breaker.Fail();
        Assert.True(breaker.IsOpen);
        await AwaitConditionAsync(() => breaker.IsHalfOpen, Patience);
        breaker.Succeed();
        Assert.True(breaker.IsClosed);
    }

    [Fact]
    public void A_patient_supervisor_is_described_step_by_step()
    {
        var options = Backoff.OnFailure(
                Props.Create(() => new DefaultLogger()), "child", TimeSpan.FromMilliseconds(1),
                TimeSpan.FromMilliseconds(5), 0, -1)
            .WithAutoReset(Patience)
            .WithMaxNrOfRetries(3)
            .WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop));
        var supervisor = Sys.ActorOf(BackoffSupervisor.Props(options));
        supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance, TestActor);
        Assert.False(ExpectMsg<BackoffSupervisor.CurrentChild>().Ref.IsNobody());
    }
}
