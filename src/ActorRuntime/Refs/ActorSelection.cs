#nullable disable
using System.Text.RegularExpressions;

namespace Akka.Actor;

/// <summary>A message for whoever matches a path below the receiver.</summary>
internal sealed class ActorSelectionMessage(object message, string[] elements)
    : IAutoReceivedMessage, IPossiblyHarmful
{
    public object Message => message;
    public string[] Elements => elements;
    public bool IsWildcard => Elements.Any(ActorSelection.IsPattern);
}

/// <summary>
/// A path, perhaps with patterns (<c>*</c>, <c>?</c>), relative to an anchor; looked up at every
/// message.
/// </summary>
public class ActorSelection : ICanTell
{
    private readonly string[] _elements;

    public ActorSelection(IActorRef anchor, string path)
        : this(anchor, path.Split('/', StringSplitOptions.RemoveEmptyEntries)) { }

    public ActorSelection(IActorRef anchor, IEnumerable<string> elements)
    {
        Anchor = anchor;
        _elements = [.. elements];
    }

    public IActorRef Anchor { get; }
    public string PathString => "/" + string.Join("/", _elements);

    public void Tell(object message, IActorRef sender = null)
    {
        sender ??= ActorCell.Current?.Self;
        var selection = new ActorSelectionMessage(message, _elements);
        if (Anchor is InternalActorRef { IsLocal: true } anchor) Deliver(anchor, sender, selection);
        else Anchor.Tell(selection, sender);
    }

    /// <summary>The reference of the one that answers first.</summary>
    /// <exception cref="ActorNotFoundException">Nobody answered in time.</exception>
    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, default);

    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        ActorIdentity identity;
        try
        {
            identity = await this.Ask<ActorIdentity>(new Identify(null), timeout, ct);
        }
        catch (AskTimeoutException late)
        {
            throw new ActorNotFoundException($"Nobody answered at {this} in {timeout}", late);
        }
        return identity.Subject ?? throw new ActorNotFoundException($"Nobody is at {this}");
    }

    internal static bool IsPattern(string element) => element.AsSpan().ContainsAny('*', '?');

    /// <summary>Walks from a local actor as far as it is local.</summary>
    internal static void Deliver(
        InternalActorRef anchor, IActorRef sender, ActorSelectionMessage selection)
    {
        var elements = selection.Elements;
        var current = anchor;
        for (var i = 0; i < elements.Length; i++)
        {
            if (!current.IsLocal)
            {
                current.Tell(new ActorSelectionMessage(selection.Message, elements[i..]), sender);
                return;
            }
            if (IsPattern(elements[i]))
            {
                DeliverMatching(current, elements[i], elements[(i + 1)..], sender, selection);
                return;
            }
            var next = current.GetChild([elements[i]]);
            if (next is null)
            {
                Empty(current, elements[i..]).Tell(
                    new ActorSelectionMessage(selection.Message, elements[i..]), sender);
                return;
            }
            current = next;
        }
        current.Tell(selection.Message, sender);
    }

    private static void DeliverMatching(InternalActorRef parent, string pattern, string[] rest,
        IActorRef sender, ActorSelectionMessage selection)
    {
        var regex = "^" + Regex.Escape(pattern).Replace("\\*", ".*").Replace("\\?", ".") + "$";
        var children = parent is LocalActorRef local ? local.Cell.ChildRefs() : [];
        foreach (var child in children)
        {
            if (!Regex.IsMatch(child.Path.Name, regex, RegexOptions.NonBacktracking)) continue;
            Deliver(child, sender, new ActorSelectionMessage(selection.Message, rest));
        }
    }

    private static InternalActorRef Empty(InternalActorRef from, string[] elements) =>
        from.Provider.EmptyRef(from.Path / elements);

    public override bool Equals(object obj) => obj is ActorSelection other &&
        Equals(Anchor, other.Anchor) && PathString == other.PathString;

    public override int GetHashCode() => HashCode.Combine(Anchor, PathString);

    public override string ToString() => Anchor is null
        ? $"ActorSelection[{PathString}]"
        : $"ActorSelection[Anchor({Anchor.Path}), Path({PathString})]";
}
