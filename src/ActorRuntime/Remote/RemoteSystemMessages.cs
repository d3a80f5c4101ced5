#nullable disable
using Akka.Actor;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>The system messages that cross hosts: watching and its end.</summary>
internal static class RemoteSystemMessages
{
    private const string WatchManifest = "W";
    private const string UnwatchManifest = "U";
    private const string GoneManifest = "D";

    internal readonly record struct Encoded(string Manifest, Func<Remoting, byte[]> Payload);

    /// <summary>Null for messages that have no meaning outside their system.</summary>
    public static Encoded? Of(SystemMessage message) => message switch
    {
        Watch watch => new Encoded(
            WatchManifest, r => new FieldWriter().Text(1, r.SenderPathOf(watch.Watcher)).ToArray()),
        Unwatch unwatch => new Encoded(
            UnwatchManifest,
            r => new FieldWriter().Text(1, r.SenderPathOf(unwatch.Watcher)).ToArray()),
        DeathWatchNotification gone => new Encoded(
            GoneManifest,
            r => new FieldWriter().Text(1, r.SenderPathOf(gone.Actor))
                .Flag(2, gone.ExistenceConfirmed).Flag(3, gone.AddressTerminated).ToArray()),
        _ => null,
    };

    /// <param name="remoting">The receiving side.</param>
    /// <param name="peer">Whose paths without address are meant.</param>
    /// <param name="message">What came.</param>
    /// <param name="recipient">The local actor that it is for.</param>
    /// <returns>False if the message is malformed or unknown.</returns>
    public static bool TryDeliver(
        Remoting remoting, Address peer, in RemoteMessage message, IActorRef recipient)
    {
        if (recipient is not InternalActorRef { IsLocal: true } local) return true;
        var path = "";
        var (exists, isAddressTerminated) = (false, false);
        var reader = new FieldReader(message.Payload);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.Bytes.Length <= WireLimits.PathSizeMax)
            {
                path = reader.Text;
            }
            else if (reader.Field == 2)
            {
                exists = reader.Flag;
            }
            else if (reader.Field == 3)
            {
                isAddressTerminated = reader.Flag;
            }
            else
            {
                reader.Unknown();
            }
        }

        if (reader.IsMalformed || path.Length == 0) return false;
        var full = path[0] == '/' ? $"{peer}{path}" : path;
        if (remoting.Provider.ResolveActorRef(full) is not InternalActorRef other) return false;
        switch (message.Manifest)
        {
            case WatchManifest:
                local.SendSystemMessage(new Watch(local, other));
                return true;
            case UnwatchManifest:
                local.SendSystemMessage(new Unwatch(local, other));
                return true;
            case GoneManifest:
                local.SendSystemMessage(
                    new DeathWatchNotification(other, exists, isAddressTerminated));
                remoting.Watcher.Tell(new WatcheeGone(other), null);
                return true;
            default:
                WireCounters.UnknownManifests.Increment();
                return true;
        }
    }
}
