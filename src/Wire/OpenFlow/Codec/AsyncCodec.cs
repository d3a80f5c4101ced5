namespace Fabric.Wire.OpenFlow;

/// <summary>Asynchronous configuration: six masks (1.3, Nicira) or properties (1.4 on).</summary>
internal static class AsyncCodec
{
    /// <summary>The order of OpenFlow 1.3's six words, as OpenFlow 1.4's property types.</summary>
    private static ReadOnlySpan<ushort> WordProperties => [1, 0, 3, 2, 5, 4];

    private const ushort PropertyCountMax = 12;

    /// <summary>OFPACPT_EXPERIMENTER_*: they would have an experimenter's id, at least.</summary>
    private const ushort FirstExperimenter = 0xFFFE;

    public static OfErrorCode DecodeSet(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var changes = new List<OfAsyncChange>();
        var error = OfErrorCode.None;
        if (context.Version < OfVersion.OpenFlow14)
        {
            // Reasons that these versions do not know are no error to Open vSwitch.
            foreach (var property in WordProperties)
            {
                var mask = body.U32() & OfAsyncRules.KnownBits(property, context.Version);
                changes.Add(new OfAsyncChange(property, mask));
            }

            if (!body.IsEmpty) error = OfErrorCode.RequestBadLength;
        }
        else
        {
            while (!body.IsEmpty && error == OfErrorCode.None)
            {
                var (type, length) = (body.U16(), body.U16());
                if (body.Failed || length != 8) error = OfErrorCode.PropertyBadLength;
                else if (type >= FirstExperimenter) error = OfErrorCode.PropertyBadLength;
                else if (type >= PropertyCountMax) error = OfErrorCode.AsyncUnsupported;
                else changes.Add(new OfAsyncChange(type, body.U32()));
            }
        }

        message = new OfSetAsync(changes.ToEquatableArray());
        return error;
    }

    public static OfErrorCode DecodeReply(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var error = DecodeSet(ref body, in context, out var set);
        var masks = new OfAsyncMasks(0, 0, 0, 0, 0, 0);
        message = new OfGetAsyncReply(Apply(masks, ((OfSetAsync)set).Changes));
        return error;
    }

    public static void WriteSet(OfWriter writer, OfSetAsync set, in OfCodecContext context)
    {
        if (context.Version < OfVersion.OpenFlow14)
        {
            foreach (var property in WordProperties)
            {
                var mask = 0u;
                foreach (var change in set.Changes) if (change.Property == property) mask =
                    change.Mask;
                writer.U32(mask);
            }

            return;
        }

        foreach (var change in set.Changes) writer.U16(change.Property).U16(8).U32(change.Mask);
    }

    public static void WriteReply(OfWriter writer, OfGetAsyncReply reply, in OfCodecContext context)
    {
        var masks = MasksOf(reply.Masks);
        if (context.Version < OfVersion.OpenFlow14)
        {
            foreach (var property in WordProperties)
            {
                writer.U32(masks[property] & OfAsyncRules.KnownBits(property, context.Version));
            }

            return;
        }

        for (ushort property = 0; property < PropertyCountMax; property++)
        {
            writer.U16(property).U16(8).U32(masks[property]);
        }
    }

    /// <summary>The masks after some of them were set.</summary>
    public static OfAsyncMasks Apply(OfAsyncMasks masks, EquatableArray<OfAsyncChange> changes)
    {
        foreach (var (property, mask) in changes)
        {
            masks = property switch
            {
                0 => masks with { PacketInSecondary = mask },
                1 => masks with { PacketInPrimary = mask },
                2 => masks with { PortStatusSecondary = mask },
                3 => masks with { PortStatusPrimary = mask },
                4 => masks with { FlowRemovedSecondary = mask },
                5 => masks with { FlowRemovedPrimary = mask },
                6 => masks with { RoleStatusSecondary = mask },
                7 => masks with { RoleStatusPrimary = mask },
                8 => masks with { TableStatusSecondary = mask },
                9 => masks with { TableStatusPrimary = mask },
                10 => masks with { RequestForwardSecondary = mask },
                11 => masks with { RequestForwardPrimary = mask },
                _ => masks,
            };
        }

        return masks;
    }

    private static uint[] MasksOf(OfAsyncMasks masks) =>
    [
        masks.PacketInSecondary, masks.PacketInPrimary, masks.PortStatusSecondary,
        masks.PortStatusPrimary, masks.FlowRemovedSecondary, masks.FlowRemovedPrimary,
        masks.RoleStatusSecondary, masks.RoleStatusPrimary, masks.TableStatusSecondary,
        masks.TableStatusPrimary, masks.RequestForwardSecondary, masks.RequestForwardPrimary,
    ];
}
