using Akka.Actor;

namespace Akka.Cluster;

/// <summary>One incarnation of an actor system at an address.</summary>
/// <param name="address">Where it is reached.</param>
/// <param name="uid">Drawn anew at every start: a restarted system is another member.</param>
public sealed class UniqueAddress(Address address, int uid)
    : IEquatable<UniqueAddress>, IComparable<UniqueAddress>, IComparable
{
    public Address Address { get; } = address;
    public int Uid { get; } = uid;

    public bool Equals(UniqueAddress? other) =>
        ReferenceEquals(this, other)
        || (other is not null && Uid == other.Uid && Address.Equals(other.Address));

    public override bool Equals(object? obj) => Equals(obj as UniqueAddress);

    public override int GetHashCode() => Address.GetHashCode() * 397 ^ Uid;

    /// <summary>Orders by address (host, port), then by uid.</summary>
    public int CompareTo(UniqueAddress? other)
    {
        if (other is null) return 1;
        if (ReferenceEquals(this, other)) return 0;
        var byAddress = AddressOrdering.Compare(Address, other.Address);
        return byAddress != 0 ? byAddress : Uid.CompareTo(other.Uid);
    }

    int IComparable.CompareTo(object? obj) => CompareTo(obj as UniqueAddress);

    public static bool operator ==(UniqueAddress? left, UniqueAddress? right) =>
        Equals(left, right);

    public static bool operator !=(UniqueAddress? left, UniqueAddress? right) =>
        !Equals(left, right);

    /// <summary>The same on every host, unlike the hash code; made when it is asked for.</summary>
    internal ulong StableHash => _stableHash != 0 ? _stableHash : _stableHash = Hashed();

    private ulong _stableHash;

    /// <summary>FNV-1a of the text, and the uid.</summary>
    private ulong Hashed()
    {
        var hash = 14_695_981_039_346_656_037ul;
        foreach (var c in Address.ToString()) hash = (hash ^ c) * 1_099_511_628_211ul;
        return ((hash ^ (uint)Uid) * 1_099_511_628_211ul) | 1;
    }

    public override string ToString() => $"UniqueAddress: ({Address}, {Uid})";
}

/// <summary>
/// The order of addresses that every host agrees on: protocol, system, host, port.
/// </summary>
internal static class AddressOrdering
{
    public static readonly IComparer<Address> Instance = Comparer<Address>.Create(Compare);

    public static int Compare(Address a, Address b)
    {
        if (ReferenceEquals(a, b)) return 0;
        var order = string.CompareOrdinal(a.Protocol, b.Protocol);
        if (order == 0) order = string.CompareOrdinal(a.System, b.System);
        if (order == 0) order = string.CompareOrdinal(a.Host ?? "", b.Host ?? "");
        return order != 0 ? order : (a.Port ?? 0).CompareTo(b.Port ?? 0);
    }
}
