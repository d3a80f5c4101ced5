using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Opens the interfaces of one Port row and keeps trying those that fail.</summary>
/// <remarks>
/// Hears:  <see cref="PortWanted"/> from its bridge; <see cref="InterfaceOpened"/> from the
/// datapath.
/// Says:   <see cref="OpenInterface"/> to the datapath; <see cref="PortReconciled"/> and, when it
///         has started, <see cref="WantsState"/> to its bridge.
/// Holds:  the row's desired state and what its interfaces came to: both can be had again.
/// Fails:  never by an interface, which fails as an error text and is tried again each second;
///         when it is started anew, its bridge tells it again what to be. Ports stay meanwhile.
/// </remarks>
public sealed class PortActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private sealed record Retry;

    private readonly string _name;
    private readonly IActorRef _datapath;
    private readonly SortedDictionary<string, InterfaceOpened> _opened =
        new(StringComparer.Ordinal);
    private PortWanted? _wanted;
    private ImmutableArray<InterfaceOpened> _reported = [];

    public static Props Props(string name, IActorRef datapath) =>
        Akka.Actor.Props.Create(() => new PortActor(name, datapath));

    public PortActor(string name, IActorRef datapath)
    {
        _name = name;
        _datapath = datapath;
        Receive<PortWanted>(wanted =>
        {
            _wanted = wanted;
            _opened.Clear();
            _reported = [];
            foreach (var spec in wanted.Spec.Interfaces.Values) Open(spec);
        });
        Receive<InterfaceOpened>(Keep);
        Receive<Retry>(_ =>
        {
            foreach (var failed in _opened.Values.Where(each => each.Error is not null).ToArray())
            {
                Open(failed.Spec);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Context.Parent.Tell(new WantsState(_name));

    private void Open(InterfaceSpec spec) => _datapath.Tell(
        new OpenInterface(_wanted!.Revision, _wanted.Bridge, _wanted.DatapathType, spec));

    private void Keep(InterfaceOpened opened)
    {
        if (_wanted is null || opened.Revision != _wanted.Revision) return;
        if (!_wanted.Spec.Interfaces.ContainsKey(opened.Spec.Name)) return;
        _opened[opened.Spec.Name] = opened;
        if (_opened.Count < _wanted.Spec.Interfaces.Count) return;
        if (_opened.Values.Any(each => each.Error is not null))
        {
            Timers.StartSingleTimer(nameof(Retry), new Retry(), RetryInterval);
        }

        ImmutableArray<InterfaceOpened> all = [.. _opened.Values];
        if (all.SequenceEqual(_reported)) return;
        _reported = all;
        Context.Parent.Tell(new PortReconciled(_wanted.Revision, _name, all));
    }
}
