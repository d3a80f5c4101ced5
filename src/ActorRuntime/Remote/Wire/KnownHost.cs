using Akka.Actor;
using Akka.Cluster;

namespace Akka.Remote.Wire;

/// <summary>An address that was read before, with the incarnation seen there last.</summary>
internal sealed class KnownHost(Address address)
{
    private UniqueAddress? _node;

    public Address Address => address;

    public static KnownHost? Read(string text) =>
        Address.TryParse(text, out var address) && address is not null
            ? new KnownHost(address)
            : null;

    /// <returns>The same object while it is the same incarnation.</returns>
    public UniqueAddress Incarnation(int uid)
    {
        var node = _node;
        return node?.Uid == uid ? node : _node = new UniqueAddress(address, uid);
    }
}
