#nullable disable
using System.Linq.Expressions;
using Akka.Actor;
using Akka.TestKit;
using Akka.Util;

namespace Akka.TestKit
{
    /// <summary>An actor that runs inside Tell, and whose instance the test may touch.</summary>
    public class TestActorRef<TActor> : IActorRef, ICanWatch, IActorRefWrapper
        where TActor : ActorBase
    {
        private readonly LocalActorRef _ref;

        public TestActorRef(
            ActorSystem system, Props props, IActorRef supervisor = null, string name = null)
        {
            var here = props.WithDispatcher(CallingThreadDispatcher.Id);
            var parent = InternalActorRef.Of(supervisor ?? ((ExtendedActorSystem)system).Guardian);
            _ref = (LocalActorRef)((LocalActorRef)parent).Cell.ActorOf(here, name);
        }

        public IActorRef Ref => _ref;
        IActorRef IActorRefWrapper.Wrapped => _ref;
        public ActorPath Path => _ref.Path;

        /// <exception cref="IllegalActorStateException">It has ended.</exception>
        public TActor UnderlyingActor => (TActor)(_ref.Cell.Actor
            ?? throw new IllegalActorStateException("Underlying actor is null, stopped or failed"));

        public void Tell(object message, IActorRef sender) => _ref.Tell(message, sender);
        public void Tell(object message) => _ref.Tell(message);

        /// <summary>Handles a message here and now.</summary>
        public void Receive(object message, IActorRef sender = null) => _ref.Tell(message, sender);

        public Task ReceiveAsync(object message, IActorRef sender = null)
        {
            Receive(message, sender);
            return Task.CompletedTask;
        }

        public IActorRef Watch(IActorRef subject) => _ref.Cell.Watch(subject);
        public IActorRef WatchWith(IActorRef subject, object message) =>
            _ref.Cell.WatchWith(subject, message);
        public IActorRef Unwatch(IActorRef subject) => _ref.Cell.Unwatch(subject);

        public bool Equals(IActorRef other) => _ref.Equals(other);
        public int CompareTo(IActorRef other) => _ref.CompareTo(other);
        public override bool Equals(object obj) => obj is IActorRef other && _ref.Equals(other);
        public override int GetHashCode() => _ref.GetHashCode();
        public override string ToString() => _ref.ToString();
        public ISurrogate ToSurrogate(ActorSystem system) => _ref.ToSurrogate(system);
    }

    public abstract partial class TestKitBase
    {
        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(
            Props props, IActorRef supervisor, string name = null) where TActor : ActorBase =>
            new(Sys, props, supervisor, name);

        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(Props props, string name = null)
            where TActor : ActorBase => new(Sys, props, null, name);

        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(
            IActorRef supervisor, string name = null) where TActor : ActorBase, new() =>
            new(Sys, Props.Create<TActor>(), supervisor, name);

        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(string name = null)
            where TActor : ActorBase, new() => new(Sys, Props.Create<TActor>(), null, name);

        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(
            Expression<Func<TActor>> factory, IActorRef supervisor, string name = null)
            where TActor : ActorBase => new(Sys, Props.Create(factory), supervisor, name);

        public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(
            Expression<Func<TActor>> factory, string name = null) where TActor : ActorBase =>
            new(Sys, Props.Create(factory), null, name);
    }
}
