using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

public sealed partial class FabricActor
{
    /// <summary>Frames that were refused; names of unknown ones are logged once.</summary>
    private readonly SortedDictionary<string, long> _unknown = new(StringComparer.Ordinal);

    private void Send(SendToHost send)
    {
        if (send.Host == _settings.HostId)
        {
            Deliver(new HostDelivered(send.Host, send.To, send.Payload));
            return;
        }

        if (_members.Find(send.Host)?.Address is not { } address) return; // Not a member now.
        var bytes = HostCodec.Write(send.To, send.Payload);
        var target = Context.ActorSelection($"{address}/user/{FabricSystem.RootName}");
        foreach (var frame in _cutter.Cut(bytes))
            target.Tell(frame, Self);
    }

    private void Hear(HostFrame frame)
    {
        if (!IsFromItsHost(frame.FromHost)) return;
        if (_frames.Add(frame) is not { } bytes) return;
        if (!HostCodec.TryRead(bytes.Span, out var room, out var manifest, out var payload))
        {
            var count = _unknown[manifest] = _unknown.GetValueOrDefault(manifest) + 1;
            if (count == 1)
                _log.Warning("Ignored '{0}' from {1}: unknown", manifest, frame.FromHost);
            return;
        }

        Deliver(new HostDelivered(frame.FromHost, room, payload!));
    }

    /// <summary>
    /// A host speaks for itself only: the sender is where membership has that host.
    /// </summary>
    private bool IsFromItsHost(string host) =>
        _members.Find(host)?.Address == Sender.Path.Address.ToString();

    private void Deliver(HostDelivered delivered)
    {
        if (delivered.To == Addressee.Writer) _writer.Tell(delivered);
        else _hostSide.Tell(delivered);
    }
}
