#nullable disable
using System.Globalization;
using System.Text;
using Akka.Util;

namespace Akka.Actor;

/// <summary>The place of an actor in the tree of its system: address and element names.</summary>
/// <remarks>
/// Text: <c>akka://System/user/a/b</c>, with <c>#uid</c> behind it in serialised form. Two paths
/// are equal if address and elements are; the uid tells incarnations apart and is not compared.
/// </remarks>
public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>, ISurrogated
{
    /// <summary>Longest text that is parsed, in characters; longer texts are no paths.</summary>
    internal const int LengthMax = 4096;

    private const string SpecialCharacters = "-_.*$+:@&=,!~';()";

    private readonly int _hash;

    private protected ActorPath(Address address, ActorPath parent, string name, long uid)
    {
        Address = address;
        Parent = parent ?? this;
        Name = name;
        Uid = uid;
        Depth = parent is null ? 0 : parent.Depth + 1;
        _hash = parent is null
            ? address.GetHashCode()
            : (parent._hash * 31) ^ string.GetHashCode(name.AsSpan());
    }

    public Address Address { get; }
    public ActorPath Parent { get; }
    public string Name { get; }

    /// <summary>The incarnation, 0 if unknown.</summary>
    public long Uid { get; }

    /// <summary>How many elements there are below the root.</summary>
    public int Depth { get; }

    public ActorPath Root
    {
        get
        {
            var path = this;
            while (path.Depth > 0) path = path.Parent;
            return path;
        }
    }

    /// <summary>The names from the root down.</summary>
    public IReadOnlyList<string> Elements
    {
        get
        {
            var elements = new string[Depth];
            var path = this;
            for (var i = Depth - 1; i >= 0; i--, path = path.Parent) elements[i] = path.Name;
            return elements;
        }
    }

    /// <summary>The path of a child; <c>name#uid</c> sets its uid too.</summary>
    public ActorPath Child(string childName)
    {
        var hash = childName.IndexOf('#');
        if (hash < 0) return new ChildActorPath(this, childName, 0);
        return long.TryParse(childName.AsSpan(hash + 1), NumberStyles.None,
            CultureInfo.InvariantCulture, out var uid)
            ? new ChildActorPath(this, childName[..hash], uid)
            : new ChildActorPath(this, childName[..hash], 0);
    }

    public abstract ActorPath WithUid(long uid);

    public static ActorPath operator /(ActorPath path, string name) => path.Child(name);

    public static ActorPath operator /(ActorPath path, IEnumerable<string> name)
    {
        foreach (var element in name)
        {
            if (!string.IsNullOrEmpty(element)) path = path.Child(element);
        }
        return path;
    }

    /// <summary>True if the text may name an actor.</summary>
    public static bool IsValidPathElement(string name)
    {
        if (string.IsNullOrEmpty(name) || name[0] == '$') return false;
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (char.IsAsciiLetterOrDigit(c) || SpecialCharacters.Contains(c)) continue;
            var escaped = c == '%' && i + 2 < name.Length + 0 &&
                char.IsAsciiHexDigit(name[i + 1]) && char.IsAsciiHexDigit(name[i + 2]);
            if (!escaped) return false;
            i += 2;
        }
        return true;
    }

    /// <exception cref="UriFormatException">The text is no path.</exception>
    public static ActorPath Parse(string path) =>
        TryParse(path, out var parsed)
            ? parsed
            : throw new UriFormatException(
                $"Can not parse an actor path from [{path}]: write akka://system/user/name");

    /// <summary>Reads an absolute path with its address.</summary>
    public static bool TryParse(string path, out ActorPath actorPath)
    {
        actorPath = null;
        if (!Address.TryParse(path, out var address, out var rest)) return false;
        actorPath = new RootActorPath(address);
        if (rest.Length == 0) return true;
        foreach (var element in rest.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            actorPath = actorPath.Child(element);
        }
        return true;
    }

    public string ToStringWithoutAddress()
    {
        var text = new StringBuilder();
        AppendElements(text);
        return text.ToString();
    }

    public override string ToString() => Join(Address);

    /// <summary>With the path's own address, which may be a local one.</summary>
    public string ToStringWithAddress() => Join(Address);

    /// <summary>With the given address in place of a local one.</summary>
    public string ToStringWithAddress(Address address) =>
        Join(Address.HasGlobalScope ? Address : address);

    /// <summary>Path and uid: what serialisers write.</summary>
    public string ToSerializationFormat() => AppendUid(Join(Address));

    public string ToSerializationFormatWithAddress(Address address) =>
        AppendUid(ToStringWithAddress(address));

    private string AppendUid(string text) =>
        Uid == 0 ? text : string.Create(CultureInfo.InvariantCulture, $"{text}#{Uid}");

    private string Join(Address address)
    {
        var text = new StringBuilder(address.ToString());
        AppendElements(text);
        return text.ToString();
    }

    private void AppendElements(StringBuilder text)
    {
        if (Depth == 0)
        {
            text.Append('/');
            return;
        }
        if (Depth > 1) Parent.AppendElements(text);
        text.Append('/').Append(Name);
    }

    public bool Equals(ActorPath other)
    {
        var left = this;
        var right = other;
        if (right is null || left.Depth != right.Depth || left._hash != right._hash) return false;
        while (!ReferenceEquals(left, right))
        {
            if (left.Depth == 0) return left.Address.Equals(right.Address);
            if (left.Name != right.Name) return false;
            left = left.Parent;
            right = right.Parent;
        }
        return true;
    }

    public override bool Equals(object obj) => obj is ActorPath other && Equals(other);
    public override int GetHashCode() => _hash;
    public static bool operator ==(ActorPath left, ActorPath right) =>
        left is null ? right is null : left.Equals(right);
    public static bool operator !=(ActorPath left, ActorPath right) => !(left == right);

    /// <summary>Order: address, then names from the root down; ordinal.</summary>
    public int CompareTo(ActorPath other)
    {
        if (other is null) return 1;
        var order = Address.CompareTo(other.Address);
        if (order != 0) return order;
        var (left, right) = (Elements, other.Elements);
        for (var i = 0; i < left.Count && i < right.Count; i++)
        {
            order = string.CompareOrdinal(left[i], right[i]);
            if (order != 0) return order;
        }
        return left.Count.CompareTo(right.Count);
    }

    public ISurrogate ToSurrogate(ActorSystem system) => new Surrogate(ToSerializationFormat());

    /// <summary>A path on the wire: its text.</summary>
    public sealed record Surrogate(string Path) : ISurrogate
    {
        public ISurrogated FromSurrogate(ActorSystem system) => Parse(Path);
    }
}

/// <summary>The path of a system's root.</summary>
public sealed class RootActorPath(Address address, string name = "")
    : ActorPath(address, null, name.Length == 0 ? "/" : name, 0)
{
    public override ActorPath WithUid(long uid) => this;
}

/// <summary>The path of an actor below another.</summary>
public sealed class ChildActorPath(ActorPath parent, string name, long uid)
    : ActorPath(parent.Address, parent, name, uid)
{
    public override ActorPath WithUid(long uid) =>
        uid == Uid ? this : new ChildActorPath(Parent, Name, uid);
}
