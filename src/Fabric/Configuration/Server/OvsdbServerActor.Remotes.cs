using Akka.Actor;

namespace Fabric.Configuration;

/// <content>Its remotes: opened, opened once more, closed, and opened again.</content>
public sealed partial class OvsdbServerActor
{
    private readonly SortedDictionary<string, IActorRef> _remotes = new(StringComparer.Ordinal);

    /// <summary>Who opened each last: of others the word to close it comes too late.</summary>
    private readonly Dictionary<string, IActorRef> _openers = new(StringComparer.Ordinal);

    /// <summary>Told to stop: until they have, their addresses are taken.</summary>
    private readonly Dictionary<IActorRef, string> _leaving = [];

    private readonly Dictionary<string, (OpenRemote Open, IActorRef Opener)> _awaited =
        new(StringComparer.Ordinal);

    private long _nextRemote;

    private void TellRemotes(object message)
    {
        foreach (var remote in _remotes.Values) remote.Tell(message);
    }

    private void Open(OpenRemote open)
    {
        var text = open.Remote.Text;
        _openers[text] = Sender;
        if (_remotes.TryGetValue(text, out var known)) known.Forward(open);
        else if (_leaving.ContainsValue(text)) _awaited[text] = (open, Sender);
        else Open(open, Sender);
    }

    private void Open(OpenRemote open, IActorRef opener)
    {
        var props = open.Remote.IsPassive
            ? ListenerActor.Props(open, Self, opener, Served(), _time)
            : ConnectorActor.Props(open, Self, opener, Served(), _time);
        _remotes.Add(open.Remote.Text, Context.ActorOf(props, $"remote-{_nextRemote++}"));
    }

    private void Close(CloseRemote close)
    {
        if (!_openers.TryGetValue(close.Text, out var opener) || !opener.Equals(Sender)) return;
        _openers.Remove(close.Text);
        _awaited.Remove(close.Text);
        if (!_remotes.Remove(close.Text, out var remote)) return;
        _leaving.Add(remote, close.Text);
        Context.Watch(remote);
        Context.Stop(remote);
    }

    private void HearRemoteEnd(IActorRef ended)
    {
        if (!_leaving.Remove(ended, out var text)) return;
        if (_awaited.Remove(text, out var next)) Open(next.Open, next.Opener);
    }
}
