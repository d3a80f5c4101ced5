namespace Fabric.Wire.OpenFlow;

/// <summary>Action lists that were decoded lately, by their bytes.</summary>
/// <remarks>
/// The flows of a table do few different things: flows whose bytes are the same share one list,
/// and it is decoded once. Any thread; what is forgotten is decoded anew.
/// </remarks>
internal static class KnownActions
{
    private const int Count = 1024;

    /// <summary>Longer lists are rare, and not kept.</summary>
    private const int SizeMax = 256;

    private sealed record Entry(
        byte[] Bytes, bool AreInstructions, OfVersion Version, TlvTable Tlv, ActionList Actions);

    private static readonly Entry?[] Recent = new Entry?[Count];

    public static bool TryFind(
        ReadOnlySpan<byte> bytes, bool areInstructions, in OfCodecContext context,
        out ActionList actions)
    {
        actions = ActionList.Empty;
        if (bytes.IsEmpty) return true;
        if (bytes.Length > SizeMax) return false;
        if (Volatile.Read(ref Recent[PlaceOf(bytes)]) is not { } known
            || known.AreInstructions != areInstructions || known.Version != context.Version
            || !ReferenceEquals(known.Tlv, context.Tlv)
            || !bytes.SequenceEqual(known.Bytes))
        {
            return false;
        }

        actions = known.Actions;
        return true;
    }

    public static void Remember(
        ReadOnlySpan<byte> bytes, bool areInstructions, in OfCodecContext context,
        ActionList actions)
    {
        if (bytes.Length > SizeMax) return;
        var entry = new Entry(
            bytes.ToArray(), areInstructions, context.Version, context.Tlv, actions);
        Volatile.Write(ref Recent[PlaceOf(bytes)], entry);
    }

    private static int PlaceOf(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode() & (Count - 1);
    }
}
