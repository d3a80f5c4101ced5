#nullable disable
using Akka.Actor;

namespace Akka.Persistence;

public abstract partial class Eventsourced
{
    /// <summary>
    /// The stash that the actor sees. What it releases was sent before whatever waits in the inner
    /// stash, and must therefore be handled before it.
    /// </summary>
    private sealed class UserStash(Eventsourced owner, IStash inner) : IStash
    {
        public int Capacity => inner.Capacity;
        public int Count => inner.Count;
        public bool IsEmpty => inner.IsEmpty;
        public bool IsFull => inner.IsFull;
        public bool NonEmpty => inner.NonEmpty;

        public void Stash() => inner.Stash();

        public IEnumerable<Envelope> ClearStash() => inner.ClearStash();

        public void Prepend(IEnumerable<Envelope> envelopes) => inner.Prepend(envelopes);

        public void Unstash()
        {
            if (!IsPersisting)
            {
                inner.Unstash();
                return;
            }

            var all = inner.ClearStash().ToList();
            if (all.Count == 0) return;
            owner._internalStash.AddFirst(all[0]);
            inner.Prepend(all.Skip(1));
        }

        public void UnstashAll() => UnstashAll(_ => true);

        public void UnstashAll(Func<Envelope, bool> predicate)
        {
            if (!IsPersisting)
            {
                inner.UnstashAll(predicate);
                return;
            }

            var released = inner.ClearStash().Where(predicate).ToList();
            for (var i =
                released.Count - 1; i >= 0; i--) owner._internalStash.AddFirst(released[i]);
        }

        private bool IsPersisting =>
            owner._phase == Phase.PersistingEvents || owner._internalStash.Count > 0;
    }
}
