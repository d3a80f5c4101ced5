using System.Numerics;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A whole flow key, in the room of its nonzero words.</summary>
/// <remarks>A bit for each of <see cref="FlowKey.Words"/>, and the words where it is set.</remarks>
internal readonly struct FirstKey
{
    private const int BitsPerPart = 64;

    private readonly ulong _lower, _upper;
    private readonly ulong[]? _words;

    private FirstKey(ulong lower, ulong upper, ulong[] words) =>
        (_lower, _upper, _words) = (lower, upper, words);

    public static FirstKey Of(in FlowKey key)
    {
        var copy = key;
        var all = copy.Words;
        ulong lower = 0, upper = 0;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i] == 0) continue;
            if (i < BitsPerPart) lower |= 1UL << i;
            else upper |= 1UL << (i - BitsPerPart);
        }

        var words = new ulong[BitOperations.PopCount(lower) + BitOperations.PopCount(upper)];
        var next = 0;
        foreach (var word in all)
        {
            if (word != 0) words[next++] = word;
        }

        return new FirstKey(lower, upper, words);
    }

    public void Read(ref FlowKey key)
    {
        key = default;
        if (_words is null) return;
        var all = key.Words;
        var next = 0;
        for (var i = 0; i < all.Length; i++)
        {
            var isSet = i < BitsPerPart
                ? (_lower >> i) & 1 : (_upper >> (i - BitsPerPart)) & 1;
            if (isSet != 0) all[i] = _words[next++];
        }
    }
}
