using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Akka.Util;

namespace Akka.Remote.Wire;

/// <summary>What texts of frames stood for before: the same few come in almost every one.</summary>
/// <remarks>
/// The same text gives the same object, which is compared in no time; and nothing is allocated.
/// </remarks>
/// <param name="read">What a text stands for; null if it is none of these.</param>
internal sealed class KnownTexts<T>(Func<string, T?> read)
    where T : class
{
    /// <summary>Longer texts, in bytes, are read each time.</summary>
    public const int SizeMax = 512;

    private const int CountMax = 50_000;

    private readonly ConcurrentDictionary<string, T> _known = new(StringComparer.Ordinal);
    private int _count;

    /// <param name="text">UTF-8.</param>
    public bool TryRead(ReadOnlySpan<byte> text, [NotNullWhen(true)] out T? value)
    {
        if (text.Length > SizeMax)
        {
            value = read(Encoding.UTF8.GetString(text));
            return value is not null;
        }

        Span<char> buffer = stackalloc char[text.Length];
        var chars = buffer[..Encoding.UTF8.GetChars(text, buffer)];
        if (_known.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars, out value))
            return true;
        var key = chars.ToString();
        if (read(key) is not { } found) return false;
        if (Interlocked.Increment(ref _count) > CountMax)
        {
            _known.Clear(); // Garbage from outside must not fill the memory.
            _count = 0;
        }

        value = _known.GetOrAdd(key, found);
        return true;
    }
}

/// <summary>Texts that frames are full of.</summary>
internal static class KnownTexts
{
    public static readonly KnownTexts<KnownHost> Hosts = new(KnownHost.Read);

    /// <summary>Paths and manifests.</summary>
    public static readonly KnownTexts<string> Names = new(text => text);

    public static readonly KnownTexts<AppVersion> Versions = new(AppVersion.Create);
}
