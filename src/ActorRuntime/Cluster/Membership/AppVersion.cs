namespace Akka.Util;

/// <summary>An application's version, ordered part by part: 1.2-M1 comes before 1.2.</summary>
public sealed class AppVersion : IComparable<AppVersion>, IEquatable<AppVersion>
{
    private readonly string[] _parts;

    private AppVersion(string version, string[] parts)
    {
        Version = version;
        _parts = parts;
    }

    public static AppVersion Zero { get; } = Create("0.0.0");

    public string Version { get; }

    /// <summary>
    /// Parses "1.2.3", "1.2-RC1" or any other text; unreadable parts compare as text.
    /// </summary>
    public static AppVersion Create(string version) =>
        new(version, version.Split('.', '-', '+'));

    /// <summary>
    /// Numbers compare as numbers; a longer version follows, unless its rest is text.
    /// </summary>
    public int CompareTo(AppVersion? other)
    {
        if (other is null) return 1;
        if (ReferenceEquals(this, other)) return 0;
        var count = Math.Max(_parts.Length, other._parts.Length);
        for (var i = 0; i < count; i++)
        {
            var mine = i < _parts.Length ? _parts[i] : null;
            var theirs = i < other._parts.Length ? other._parts[i] : null;
            var order = ComparePart(mine, theirs);
            if (order != 0) return order;
        }

        return 0;
    }

    private static int ComparePart(string? a, string? b)
    {
        var aIsNumber = long.TryParse(a ?? "0", out var aNumber);
        var bIsNumber = long.TryParse(b ?? "0", out var bNumber);
        if (aIsNumber && bIsNumber) return aNumber.CompareTo(bNumber);
        if (aIsNumber != bIsNumber) return aIsNumber ? 1 : -1;
        return string.CompareOrdinal(a, b);
    }

    public bool Equals(AppVersion? other) => other is not null && CompareTo(other) == 0;

    public override bool Equals(object? obj) => Equals(obj as AppVersion);

    public override int GetHashCode() => Version.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Version;
}
