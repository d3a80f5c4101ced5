#nullable disable
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>The logger of test systems: it counts and mutes what event filters match.</summary>
public sealed class TestEventListener : ILogSink
{
    private static readonly ConditionalWeakTable<ActorSystem, TestEventListener> BySystem = [];

    private readonly List<InstalledFilter> _filters = [];
    private Action<string> _write = Console.Out.WriteLine;

    /// <summary>Starts to listen to a system.</summary>
    public TestEventListener(ExtendedActorSystem system)
    {
        BySystem.AddOrUpdate(system, this);
        var letters = new LetterRef(((ActorSystemRuntime)system).LocalProvider, this);
        system.EventStream.Subscribe(letters, typeof(DeadLetter));
        system.EventStream.Subscribe(letters, typeof(UnhandledMessage));
    }

    /// <summary>The listener of a system, or null.</summary>
    public static TestEventListener Of(ActorSystem system) =>
        BySystem.TryGetValue(system, out var listener) ? listener : null;

    /// <summary>Sends unmuted entries there.</summary>
    internal void WriteTo(Action<string> write) => _write = write;

    internal void Install(InstalledFilter filter)
    {
        lock (_filters) _filters.Add(filter);
    }

    internal void Remove(InstalledFilter filter)
    {
        lock (_filters) _filters.Remove(filter);
    }

    void ILogSink.Write(LogEvent entry)
    {
        if (Matches(entry)) return;
        try
        {
            _write(entry.ToString());
        }
        catch (InvalidOperationException)
        {
            // The test whose output this was is over.
        }
    }

    private bool Matches(LogEvent entry)
    {
        lock (_filters)
        {
            foreach (var filter in _filters)
            {
                if (filter.Take(entry)) return true;
            }
        }
        return false;
    }

    private void Hear(AllDeadLetters letter)
    {
        var type = letter.Recipient?.GetType() ?? typeof(DeadLetter);
        Matches(new Warning(letter.Recipient?.Path.ToString() ?? "", type, letter));
    }

    /// <summary>Hears dead letters in the thread that makes them.</summary>
    private sealed class LetterRef(LocalActorRefProvider provider, TestEventListener owner)
        : InternalActorRef
    {
        public override ActorPath Path { get; } = provider.RootPath / "testEventListener";
        public override LocalActorRefProvider Provider => provider;
        public override void SendSystemMessage(SystemMessage message) { }

        public override void Tell(object message, IActorRef sender)
        {
            if (message is AllDeadLetters letter) owner.Hear(letter);
        }
    }
}

/// <summary>A filter while it counts.</summary>
internal sealed class InstalledFilter(IReadOnlyList<Predicate<LogEvent>> any)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public bool Take(LogEvent entry)
    {
        if (!any.Any(matches => matches(entry))) return false;
        Interlocked.Increment(ref _count);
        return true;
    }
}
