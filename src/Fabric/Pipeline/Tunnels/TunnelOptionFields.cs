using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// Between a tunnel's raw options and the fields tun_metadata0 ... of a pipeline.
/// </summary>
/// <remarks>
/// A raw option is a class (16 bits), a type (8), a length in words (5 bits) and its value; the
/// bridge's <see cref="TlvTable"/> says which field that is. The place of an option depends on the
/// options before it, therefore a decision that looked at one field depends on all headers.
/// </remarks>
internal static class TunnelOptionFields
{
    private const int HeaderSize = 4;
    private const int LengthMask = 0x1F;

    /// <summary>Fills the fields of 'key' from its raw options.</summary>
    public static void Decode(ref PipelineKey key, TlvTable table)
    {
        key.TlvPresence = 0;
        key.Bytes.Slice(PipelineKey.TlvOffset, PipelineKey.TlvSize).Clear();
        if (key.Flow.TunnelOptionsSize == 0 || table.Mappings.IsEmpty) return;
        var options = key.Flow.TunnelOptions;
        for (var at = 0; TryNext(options, at, out var size, out var value); at += size)
        {
            var optionClass = BinaryPrimitives.ReadUInt16BigEndian(options[at..]);
            if (!table.TryFind(optionClass, options[at + 2], out var mapping)) continue;
            table.TryLocate(mapping.Index, out var offset, out var width);
            var field = key.Bytes.Slice(offset, width);
            var count = Math.Min(width, value.Length);
            value[^count..].CopyTo(field[^count..]);
            key.TlvPresence |= 1UL << mapping.Index;
        }
    }

    /// <summary>Adds to 'mask' the raw bits behind the fields that 'wild' names.</summary>
    public static void FoldRaw(
        ref FlowKey packet, ref PipelineKey wild, TlvTable table, ref FlowKey mask)
    {
        var fields = wild.Bytes.Slice(PipelineKey.TlvOffset, PipelineKey.TlvSize);
        if (wild.TlvPresence == 0 && fields.IndexOfAnyExcept((byte)0) < 0) return;
        mask.TunnelOptionsSize = 0xFF;
        var options = packet.TunnelOptions;
        var raw = mask.Bytes.Slice(FlowKey.TunnelOptionsOffset, options.Length);
        for (var at = 0; TryNext(options, at, out var size, out var value); at += size)
        {
            raw.Slice(at, HeaderSize).Fill(0xFF);
            var optionClass = BinaryPrimitives.ReadUInt16BigEndian(options[at..]);
            if (!table.TryFind(optionClass, options[at + 2], out var mapping)) continue;
            table.TryLocate(mapping.Index, out var offset, out var width);
            var looked = wild.Bytes.Slice(offset, width);
            var count = Math.Min(width, value.Length);
            var bits = raw.Slice(at + HeaderSize, value.Length)[^count..];
            for (var i = 0; i < count; i++) bits[i] |= looked[^count..][i];
        }
    }

    /// <summary>The raw options for the fields that are present in 'key'.</summary>
    public static ImmutableArray<byte> Encode(in PipelineKey key, TlvTable table)
    {
        if (key.TlvPresence == 0) return [];
        var bytes = PipelineKey.BytesOf(in key);
        var options = ImmutableArray.CreateBuilder<byte>();
        foreach (var mapping in table.Mappings)
        {
            if ((key.TlvPresence & (1UL << mapping.Index)) == 0) continue;
            table.TryLocate(mapping.Index, out var offset, out var width);
            options.Add((byte)(mapping.OptionClass >> 8));
            options.Add((byte)mapping.OptionClass);
            options.Add(mapping.OptionType);
            options.Add((byte)(width / 4));
            options.AddRange(bytes.Slice(offset, width));
        }

        return options.Count > FlowKey.TunnelOptionsSizeMax ? [] : options.ToImmutable();
    }

    private static bool TryNext(
        ReadOnlySpan<byte> options, int at, out int size, out ReadOnlySpan<byte> value)
    {
        size = 0;
        value = default;
        if (at + HeaderSize > options.Length) return false;
        size = HeaderSize + ((options[at + 3] & LengthMask) * 4);
        if (at + size > options.Length) return false;
        value = options.Slice(at + HeaderSize, size - HeaderSize);
        return true;
    }
}
