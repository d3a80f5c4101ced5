using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Akka.Actor;

namespace Akka.Remote.Wire;

/// <summary>Addresses that were read before: the same few come in almost every message.</summary>
/// <remarks>
/// The same text gives the same object, which is compared in no time; and nothing is allocated.
/// </remarks>
internal static class KnownAddresses
{
    private const int CountMax = 50_000;

    private static readonly ConcurrentDictionary<string, Address> Known =
        new(StringComparer.Ordinal);

    private static readonly ConcurrentDictionary<string, Address>
        .AlternateLookup<ReadOnlySpan<char>> ByText =
            Known.GetAlternateLookup<ReadOnlySpan<char>>();

    private static int _count;

    /// <param name="text">UTF-8, at most <see cref="WireLimits.AddressSizeMax"/> bytes.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out Address? address)
    {
        Span<char> buffer = stackalloc char[WireLimits.AddressSizeMax];
        if (!Encoding.UTF8.TryGetChars(text, buffer, out var length))
        {
            address = null;
            return false;
        }

        var chars = buffer[..length];
        if (ByText.TryGetValue(chars, out address)) return true;
        var key = chars.ToString();
        if (!Address.TryParse(key, out address) || address is null) return false;
        if (Interlocked.Increment(ref _count) > CountMax)
        {
            Known.Clear(); // Garbage from outside must not fill the memory.
            _count = 0;
        }

        address = Known.GetOrAdd(key, address);
        return true;
    }
}
