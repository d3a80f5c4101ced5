#nullable disable
using System.Globalization;

namespace Akka.Actor;

internal sealed partial class ActorCell
{
    private const string NameAlphabet =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";

    private static readonly IActorRef[] NoChildren = [];

    private Children _children;
    private long _nextName;

    private Children OwnChildren =>
        _children ?? Interlocked.CompareExchange(ref _children, new Children(), null) ?? _children;

    public IActorRef ActorOf(Props props, string name = null)
    {
        ArgumentNullException.ThrowIfNull(props);
        if (name is not null) CheckName(name);
        return AttachChild(props, name ?? NextName());
    }

    /// <summary>Makes a child; roots do so from any thread.</summary>
    internal InternalActorRef AttachChild(Props props, string name)
    {
        if (_terminated || _children is { IsTerminating: true })
        {
            throw new InvalidOperationException(
                $"Cannot create child while terminating or terminated: [{_self.Path}]");
        }
        var children = OwnChildren;
        if (!children.TryReserve(name, out var record))
        {
            throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
        }
        try
        {
            var path = new ChildActorPath(_self.Path, name, _system.NextUid());
            var child = _system.LocalProvider.ActorOf(_system, props, _self, path);
            record.Ref = child;
            if (child is LocalActorRef local)
            {
                if (_perpetrator is not null && ReferenceEquals(_current, this)) local.Suspend();
                local.Cell.Start();
            }
            // Roots make children from any thread, also while they end.
            if (_terminated || children.IsTerminating) child.Stop();
            return child;
        }
        catch
        {
            children.Release(name);
            throw;
        }
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0) throw new InvalidActorNameException("Actor name must not be empty.");
        if (ActorPath.IsValidPathElement(name)) return;
        throw new InvalidActorNameException(
            $"Illegal actor name [{name}]. Actor paths MUST: not start with `$`, include only " +
            "ASCII letters and can only contain these special characters: -_.*$+:@&=,!~';()");
    }

    private string NextName()
    {
        var number = Interlocked.Increment(ref _nextName) - 1;
        Span<char> text = stackalloc char[16];
        var length = 0;
        text[length++] = '$';
        do
        {
            text[length++] = NameAlphabet[(int)(number & 63)];
            number >>= 6;
        }
        while (number > 0);
        return new string(text[..length]);
    }

    public IActorRef Child(string name) => _children?.Find(name) ?? (IActorRef)Nobody.Instance;

    /// <summary>A child by name, with <c>#uid</c> if that matters; null if there is none.</summary>
    internal InternalActorRef FindChild(string name)
    {
        if (_children is not { } children) return null;
        var hash = name.IndexOf('#');
        if (hash < 0) return children.Find(name);
        var child = children.Find(name[..hash]);
        var known = child is not null && long.TryParse(name.AsSpan(hash + 1), NumberStyles.None,
            CultureInfo.InvariantCulture, out var uid) && uid == child.Path.Uid;
        return known ? child : null;
    }

    public IEnumerable<IActorRef> GetChildren() => _children?.Snapshot() ?? NoChildren;

    internal InternalActorRef[] ChildRefs() => _children?.Snapshot() ?? [];

    public ActorSelection ActorSelection(string actorPath) =>
        ActorRefFactoryExtensions.ActorSelection(this, _self, actorPath);

    public ActorSelection ActorSelection(ActorPath actorPath) =>
        _system.ActorSelection(actorPath);

    public void Stop(IActorRef child)
    {
        if (InternalActorRef.Of(child) is not { } actor) return;
        _children?.MarkDying(actor);
        actor.Stop();
    }

    private void StopChildren()
    {
        foreach (var child in ChildRefs()) Stop(child);
    }

    private void SuspendChildren(IActorRef except)
    {
        foreach (var child in ChildRefs())
        {
            if (!child.Equals(except)) child.Suspend();
        }
    }

    private void ResumeChildren(Exception cause, IActorRef perpetrator)
    {
        foreach (var child in ChildRefs())
        {
            child.Resume(child.Equals(perpetrator) ? cause : null);
        }
    }
}
