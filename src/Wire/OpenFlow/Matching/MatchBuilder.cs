using System.Collections.Immutable;
using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>Collects fields and makes a <see cref="Match"/> in normal form.</summary>
/// <remarks>
/// <code>
/// var match = new MatchBuilder()
///     .Set(MatchField.Reg14, 3)
///     .Set(MatchField.EthernetType, 0x0800)
///     .SetMasked(MatchField.Ipv4Source, 0x0a000000, 0xff000000)
///     .Build();
/// </code>
/// Errors are kept and told by <see cref="TryBuild"/> with OpenFlow's code; a later value for the
/// same bits replaces the earlier.
/// </remarks>
public sealed class MatchBuilder
{
    private const ushort VlanPresent = 0x1000;
    private const ushort VlanNone = 0xFFFF;

    private readonly MatchEntries _entries = new();
    private OfErrorCode _error;

    public MatchBuilder() { }

    /// <summary>Starts with the fields of 'match'.</summary>
    public MatchBuilder(Match match)
    {
        foreach (var entry in match.Entries) _entries.Set(entry);
    }

    /// <summary>Begins anew: for a builder that is used again and again.</summary>
    internal void Reset()
    {
        _entries.Reset();
        _error = OfErrorCode.None;
    }

    /// <summary>The field or its part was set already.</summary>
    public bool Has(MatchField field) => _entries.Contains(field);

    public bool IsEmpty => _entries.Count == 0;

    public MatchBuilder Set(MatchField field, ulong value) =>
        Add(field, value, field.ExactMask);

    public MatchBuilder Set(MatchField field, UInt128 value) =>
        Add(field, value, field.ExactMask);

    public MatchBuilder Set(MatchField field, MacBytes value) =>
        Add(field, value.ToUInt64(), field.ExactMask);

    /// <summary>An IPv4 address for 32-bit fields, an IPv6 address for 128-bit fields.</summary>
    public MatchBuilder Set(MatchField field, IPAddress value) =>
        Add(field, NumberOf(value), field.ExactMask);

    public MatchBuilder SetMasked(MatchField field, ulong value, ulong mask) =>
        Add(field, value, mask);

    public MatchBuilder SetMasked(MatchField field, UInt128 value, UInt128 mask) =>
        Add(field, value, mask);

    public MatchBuilder SetMasked(MatchField field, MacBytes value, MacBytes mask) =>
        Add(field, value.ToUInt64(), mask.ToUInt64());

    public MatchBuilder SetMasked(MatchField field, IPAddress value, IPAddress mask) =>
        Add(field, NumberOf(value), NumberOf(mask));

    /// <summary>The first 'prefixLength' bits of an address.</summary>
    public MatchBuilder SetPrefix(MatchField field, IPAddress value, int prefixLength)
    {
        var rest = MatchField.LowBits(field.BitWidth - prefixLength);
        return Add(field, NumberOf(value), field.ExactMask & ~rest);
    }

    /// <summary>Removes a field.</summary>
    public MatchBuilder Clear(MatchField field)
    {
        _entries.Remove(field);
        return this;
    }

    /// <summary>An address as a right-aligned number.</summary>
    public static UInt128 NumberOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var count);
        return MatchField.ReadBigEndian(bytes[..count]);
    }

    /// <summary>The match; throws on what only a programming error can bring about.</summary>
    /// <exception cref="ArgumentException">A prerequisite, value or mask is wrong.</exception>
    public Match Build() => TryBuild(out var match, out var error)
        ? match
        : throw new ArgumentException($"not a valid match: {OfError.NameOf(error)}");

    /// <summary>The match in normal form, if values, masks and prerequisites are right.</summary>
    public bool TryBuild(out Match match, out OfErrorCode error)
    {
        match = Match.Any;
        error = _error;
        if (error == OfErrorCode.None) error = MatchRules.ErrorOf(_entries.AsSpan());
        if (error != OfErrorCode.None) return false;
        match = IsEmpty ? Match.Any : new Match(_entries.AsSpan());
        return true;
    }

    /// <summary>Makes what people and OpenFlow 1.0 write mean what they mean.</summary>
    /// <remarks>
    /// nw_src with ARP is arp_spa, tp_src with UDP is udp_src; fields whose prerequisites are
    /// missing are dropped (OVS: ofputil_normalize_match). Returns the dropped fields.
    /// </remarks>
    public ImmutableArray<MatchField> Normalise() => MatchRules.Normalise(_entries);

    /// <summary>Prerequisites of 'field' are met by what was set so far.</summary>
    internal bool IsAllowed(MatchField field) =>
        field.Prerequisite is FieldPrerequisite.None
        || MatchRules.IsAllowed(field, _entries.AsSpan());

    /// <summary>A value and mask as read from NXM or OXM, where vlan_vid has 13 bits.</summary>
    internal void SetFromWire(MatchField field, UInt128 value, UInt128 mask)
    {
        if (ReferenceEquals(field, MatchField.VlanVid))
        {
            if (value > 0x1FFF) Fail(OfErrorCode.MatchBadValue);
            Merge(MatchField.VlanTci, value & 0x1FFF, mask & 0x1FFF);
            return;
        }

        if (ReferenceEquals(field, MatchField.InPortOxm)
            && OfPort.ErrorOf((uint)value) != OfErrorCode.None)
        {
            Fail(OfErrorCode.MatchBadValue);
        }

        if (field.TlvIndex < 0 && (value & ~field.ExactMask) != 0) Fail(OfErrorCode.MatchBadValue);
        Add(field, value, mask & field.ExactMask);
    }

    private MatchBuilder Add(MatchField field, UInt128 value, UInt128 mask)
    {
        if (!field.IsMaskable && mask != 0 && mask != field.ExactMask)
            Fail(OfErrorCode.MatchBadMask);
        if (field.Registers.Length > 0) return AddRegisters(field, value, mask);
        if (ReferenceEquals(field, MatchField.InPort))
        {
            if (value > ushort.MaxValue) Fail(OfErrorCode.MatchBadValue);
            return Merge(MatchField.InPortOxm, OfPort.FromWire16((ushort)value), uint.MaxValue);
        }

        if (ReferenceEquals(field, MatchField.IpTos))
        {
            if ((value & 3) != 0 || value > 255) Fail(OfErrorCode.MatchBadValue);
            return Merge(MatchField.IpDscp, value >> 2, 0x3F);
        }

        if (AddVlan(field, value, mask)) return this;
        return Merge(field, value, mask);
    }

    private MatchBuilder AddRegisters(MatchField field, UInt128 value, UInt128 mask)
    {
        var shift = field.BitWidth;
        foreach (var register in field.Registers)
        {
            shift -= 32;
            Merge(register, (uint)(value >> shift), (uint)(mask >> shift));
        }

        return this;
    }

    private bool AddVlan(MatchField field, UInt128 value, UInt128 mask)
    {
        var bits = (ushort)value;
        if (ReferenceEquals(field, MatchField.DlVlan))
        {
            if (bits == VlanNone) Merge(MatchField.VlanTci, 0, 0xFFFF);
            else Merge(MatchField.VlanTci, (bits & 0xFFFu) | VlanPresent, 0x1FFF);
            return true;
        }

        if (ReferenceEquals(field, MatchField.VlanVid))
        {
            // On the wire 13 bits count; an exact 12-bit mask of a caller means all of them.
            var full = mask == field.ExactMask ? (ushort)0x1FFF : (ushort)mask;
            if (value > 0x1FFF) Fail(OfErrorCode.MatchBadValue);
            Merge(MatchField.VlanTci, bits, full & 0x1FFFu);
            return true;
        }

        if (!ReferenceEquals(field, MatchField.VlanPcp)
            && !ReferenceEquals(field, MatchField.DlVlanPcp))
        {
            return false;
        }

        if (value > 7) Fail(OfErrorCode.MatchBadValue);
        Merge(MatchField.VlanTci, ((uint)bits << 13) | VlanPresent, 0xE000 | VlanPresent);
        return true;
    }

    private MatchBuilder Merge(MatchField field, UInt128 value, UInt128 mask)
    {
        if (field.TlvIndex < 0 && ((value & mask) & ~field.ExactMask) != 0)
        {
            Fail(OfErrorCode.MatchBadValue);
        }

        mask &= field.ExactMask;
        if (mask == 0 && field.TlvIndex < 0) return this;
        value &= mask;
        if (_entries.TryGet(field, out var old))
        {
            value |= old.Value & ~mask;
            mask |= old.Mask;
        }

        _entries.Set(new MatchEntry(field, value, mask));
        return this;
    }

    private void Fail(OfErrorCode error)
    {
        if (_error == OfErrorCode.None) _error = error;
    }
}
