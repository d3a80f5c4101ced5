using System.Buffers.Binary;
using System.Text;
using Akka.Actor;
using Akka.Util;

namespace Akka.Remote.Wire;

/// <summary>Reads numbered fields as <see cref="FieldWriter"/> writes them.</summary>
/// <remarks>
/// Bounded by the bytes given and never throws: bad bytes end the reading and set
/// <see cref="IsMalformed"/>. Unknown fields are skipped and counted process-wide.
/// </remarks>
internal ref struct FieldReader
{
    private ReadOnlySpan<byte> _rest;
    private ReadOnlySpan<byte> _value;
    private ulong _number;

    public FieldReader(ReadOnlySpan<byte> bytes)
    {
        _rest = bytes;
        _value = default;
        _number = 0;
        Field = 0;
        IsMalformed = false;
    }

    /// <summary>Number of the field that <see cref="Next"/> has moved to.</summary>
    public int Field { get; private set; }

    public bool IsMalformed { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes => _value;
    public readonly ulong Unsigned => _number;
    public readonly long Signed => (long)(_number >> 1) ^ -(long)(_number & 1);
    public readonly int SignedInt32 => unchecked((int)Signed);
    public readonly bool Flag => _number != 0;
    public readonly string Text => Encoding.UTF8.GetString(_value);

    public readonly double Real =>
        _value.Length == 8 ? BinaryPrimitives.ReadDoubleLittleEndian(_value) : 0;

    /// <summary>Moves to the next field.</summary>
    /// <returns>False at the end, or where the bytes are malformed.</returns>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        if (!TryVarint(out var key) || key >> 3 is 0 or > int.MaxValue) return Refuse();
        Field = (int)(key >> 3);
        _value = default;
        _number = 0;
        switch (key & 7)
        {
            case 0:
                return TryVarint(out _number) || Refuse();
            case 2:
                if (!TryVarint(out var size) || size > (ulong)_rest.Length) return Refuse();
                _value = _rest[..(int)size];
                _rest = _rest[(int)size..];
                return true;
            default:
                return Refuse();
        }
    }

    /// <summary>Counts a field that this version does not know; the loop then goes on.</summary>
    public readonly void Unknown() => WireCounters.UnknownFields.Increment();

    /// <summary>A text that comes again and again: the same object each time.</summary>
    public readonly string Name => KnownTexts.Names.TryRead(_value, out var name) ? name : "";

    public readonly AppVersion AppVersion =>
        KnownTexts.Versions.TryRead(_value, out var version) ? version : AppVersion.Zero;

    public bool TryAddress(out Address address)
    {
        var isFound = TryHost(out var host);
        address = isFound ? host.Address : null!;
        return isFound;
    }

    public bool TryUniqueAddress(out Akka.Cluster.UniqueAddress node)
    {
        var inner = new FieldReader(_value);
        KnownHost? host = null;
        var uid = 0;
        while (inner.Next())
        {
            if (inner.Field == 1 && inner.TryHost(out var found)) host = found;
            else if (inner.Field == 2) uid = inner.SignedInt32;
        }

        node = host?.Incarnation(uid)!;
        if (host is null || inner.IsMalformed) IsMalformed = true;
        return host is not null;
    }

    private bool TryHost(out KnownHost host)
    {
        if (_value.Length <= WireLimits.AddressSizeMax
            && KnownTexts.Hosts.TryRead(_value, out var found))
        {
            host = found;
            return true;
        }

        IsMalformed = true;
        host = null!;
        return false;
    }

    private bool Refuse()
    {
        IsMalformed = true;
        _rest = default;
        return false;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            var b = _rest[i];
            if (i == 9 && b > 1) return false;
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }
}
