namespace Fabric.Wire.OpenFlow;

/// <summary>Which actions each version has on the wire, and how long each is.</summary>
/// <remarks>
/// What is looked at before an action's body: its number, then its length. The numbers are those
/// of the specifications and of nicira-ext.h; where these leave versions open, ovs-vswitchd 3.1
/// was asked (a test asks it again).
/// </remarks>
internal static class ActionForms
{
    private const ushort ExperimenterType = 0xFFFF;
    private const ushort OnfCopyField = 3200;

    /// <summary>A list inside: this long at least.</summary>
    private readonly record struct Form(int Size, bool IsList = false)
    {
        public bool Fits(int length) => IsList ? length >= Size : length == Size;
    }

    /// <summary>The error of an action that begins with these bytes, or none.</summary>
    /// <param name="bytes">From the action's type on; more than the action perhaps.</param>
    public static OfErrorCode Check(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, out int length)
    {
        var reader = new OfReader(bytes);
        var type = reader.U16();
        length = reader.U16();
        if (reader.Failed) return OfErrorCode.ActionBadLength;
        var error = type == ExperimenterType
            ? FindExperimenter(ref reader, context.Version, out var form)
            : Find(type, context.Version, out form);
        if (error != OfErrorCode.None) return error;
        return length % 8 == 0 && length <= bytes.Length && form.Fits(length)
            ? OfErrorCode.None : OfErrorCode.ActionBadLength;
    }

    private static OfErrorCode Find(ushort type, OfVersion version, out Form form)
    {
        form = version == OfVersion.OpenFlow10
            ? new Form(SizeOf10(type)) : FormOf11(type, version);
        return form.Size == 0 ? OfErrorCode.ActionBadType : OfErrorCode.None;
    }

    private static int SizeOf10(ushort type) => type switch
    {
        4 or 5 or 11 => 16,
        <= 10 => 8,
        _ => 0,
    };

    /// <summary>The actions of 1.1 that 1.2 dropped are taken in all later versions too.</summary>
    private static Form FormOf11(ushort type, OfVersion version) => type switch
    {
        0 or 3 or 4 => new(16),
        <= 10 or (>= 13 and <= 24) => new(8),
        25 when version >= OfVersion.OpenFlow12 => new(8, true),
        28 when version >= OfVersion.OpenFlow15 => new(16, true),
        29 when version >= OfVersion.OpenFlow15 => new(8),
        _ => default,
    };

    private static OfErrorCode FindExperimenter(
        ref OfReader reader, OfVersion version, out Form form)
    {
        form = default;
        var vendor = reader.U32();
        if (reader.Failed) return OfErrorCode.ActionBadLength;
        if (vendor is not (OfError.NiciraVendor or OfError.OnfVendor))
        {
            return OfErrorCode.ActionBadVendor;
        }

        var subtype = reader.U16();
        if (reader.Failed) return OfErrorCode.ActionBadLength;
        if (vendor == OfError.NiciraVendor) form = FormOfNicira(subtype, version);
        else if (subtype == OnfCopyField && version is OfVersion.OpenFlow13 or OfVersion.OpenFlow14)
        {
            form = new(16, true);
        }

        return form.Size == 0 ? OfErrorCode.ActionBadVendorType : OfErrorCode.None;
    }

    private static Form FormOfNicira(ushort subtype, OfVersion version) => subtype switch
    {
        1 or 2 or 5 or 14 or 17 or 19 or 20 or 34 or 39 or 43 or 44 or 254 or 255 => new(16),
        4 or 18 or 23 or 24 or 25 or 26 or 30 or 31 or 40
            when version == OfVersion.OpenFlow10 => new(16),
        6 or 33 when version < OfVersion.OpenFlow15 => new(16, true),
        7 when version < OfVersion.OpenFlow15 => new(24),
        8 or 21 or 36 or 37 or 42 => new(16, true),
        9 or 15 or 27 or 28 or 29 or 32 or 50 => new(24),
        10 or 22 or 38 or 41 => new(32),
        12 or 13 or 16 => new(32, true),
        35 or 49 => new(24, true),
        45 => new(40, true),
        46 or 47 when version >= OfVersion.OpenFlow13 => new(16, true),
        48 when version >= OfVersion.OpenFlow13 => new(16),
        _ => default,
    };
}
