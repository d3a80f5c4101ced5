using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>Group-mods, buckets and group descriptions: OpenFlow 1.1's form and 1.5's.</summary>
internal static class GroupCodec
{
    private const uint NtrVendor = 0x0000_154D;
    private const ushort ExperimenterProperty = 0xFFFF;
    private const int MethodSize = 16;

    /// <param name="is15">OpenFlow 1.5's structures (also in NXT_GROUP_MOD).</param>
    public static OfErrorCode DecodeMod(
        ref OfReader body, in OfCodecContext context, bool is15, out OfMessage message)
    {
        var command = body.U16();
        var type = body.U8();
        body.Skip(1);
        var group = body.U32();
        var mod = new GroupMod((GroupModCommand)command, (OfGroupType)type, group, []);
        message = mod;
        if (body.Failed) return OfErrorCode.RequestBadLength;
        var buckets = new List<OfBucket>();
        var selection = OfSelectionMethod.Default;
        var commandBucket = GroupMod.BucketAll;
        OfErrorCode error;
        if (is15)
        {
            var size = body.U16();
            body.Skip(2);
            commandBucket = body.U32();
            if (size > body.Remaining) return OfErrorCode.RequestBadLength;
            error = DecodeBuckets15(body.Bytes(size), in context, buckets);
            if (error == OfErrorCode.None) error = DecodeProperties(ref body, out selection);
        }
        else
        {
            error = DecodeBuckets11(body.Rest(), in context, buckets);
            var hasWeight = mod.Type is not OfGroupType.Select and <= OfGroupType.FastFailover
                && command != (ushort)GroupModCommand.InsertBucket
                && buckets.Exists(bucket => bucket.Weight != 0);
            if (error == OfErrorCode.None && hasWeight) error = OfErrorCode.GroupInvalid;
        }

        if (error != OfErrorCode.None) return error;
        mod = mod with
        {
            Buckets = buckets.ToEquatableArray(),
            Selection = selection,
            CommandBucketId = commandBucket,
        };
        message = mod;
        return ErrorOf(mod, is15);
    }

    public static void WriteMod(
        OfWriter writer, GroupMod mod, in OfCodecContext context, bool is15)
    {
        writer.U16((ushort)mod.Command).U8((byte)mod.Type).Zeros(1).U32(mod.GroupId);
        if (!is15)
        {
            WriteBuckets11(writer, mod.Buckets, mod.Type, in context);
            return;
        }

        var at = writer.Length;
        writer.U16(0).Zeros(2).U32(mod.CommandBucketId);
        var start = writer.Length;
        WriteBuckets15(writer, mod.Buckets, mod.Type, in context);
        writer.PatchU16(at, writer.Length - start);
        WriteProperties(writer, mod.Selection, in context);
    }

    public static OfErrorCode DecodeDescriptions(
        ref OfReader body, in OfCodecContext context, bool is15, List<OfGroupDescription> groups)
    {
        while (!body.IsEmpty)
        {
            var length = body.U16();
            var type = (OfGroupType)body.U8();
            body.Skip(1);
            var group = body.U32();
            if (body.Failed || length < 8 || length - 8 > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var rest = new OfReader(body.Bytes(length - 8));
            var buckets = new List<OfBucket>();
            var selection = OfSelectionMethod.Default;
            OfErrorCode error;
            if (is15)
            {
                var size = rest.U16();
                rest.Skip(6);
                if (size > rest.Remaining) return OfErrorCode.RequestBadLength;
                error = DecodeBuckets15(rest.Bytes(size), in context, buckets);
                if (error == OfErrorCode.None) error = DecodeProperties(ref rest, out selection);
            }
            else
            {
                error = DecodeBuckets11(rest.Rest(), in context, buckets);
            }

            if (error != OfErrorCode.None) return error;
            groups.Add(new OfGroupDescription(group, type, buckets.ToEquatableArray(), selection));
        }

        return OfErrorCode.None;
    }

    public static void WriteDescription(
        OfWriter writer, OfGroupDescription group, in OfCodecContext context, bool is15)
    {
        var start = writer.Length;
        writer.U16(0).U8((byte)group.Type).Zeros(1).U32(group.GroupId);
        if (is15)
        {
            var at = writer.Length;
            writer.U16(0).Zeros(6);
            var first = writer.Length;
            WriteBuckets15(writer, group.Buckets, group.Type, in context);
            writer.PatchU16(at, writer.Length - first);
            WriteProperties(writer, group.Selection, in context);
        }
        else
        {
            WriteBuckets11(writer, group.Buckets, group.Type, in context);
        }

        writer.PatchU16(start, writer.Length - start);
    }

    private static OfErrorCode ErrorOf(GroupMod mod, bool is15)
    {
        var command = mod.Command;
        var isOfBucket = command is GroupModCommand.InsertBucket or GroupModCommand.RemoveBucket;
        if (!isOfBucket && mod.CommandBucketId != GroupMod.BucketAll)
            return OfErrorCode.GroupBadBucket;
        var isKnown =
            command is GroupModCommand.Add or GroupModCommand.Modify or GroupModCommand.Delete
            or GroupModCommand.AddOrModify || isOfBucket;
        if (!isKnown) return OfErrorCode.GroupBadCommand;
        if (mod.Type > OfGroupType.FastFailover) return OfErrorCode.GroupBadType;
        if (command == GroupModCommand.Delete) return OfErrorCode.None;
        if (mod.GroupId > OfGroupNumber.Max) return OfErrorCode.GroupInvalid;
        if (isOfBucket)
        {
            return mod.CommandBucketId is > GroupMod.BucketIdMax and < GroupMod.BucketFirst
                ? OfErrorCode.GroupUnknownBucket : OfErrorCode.None;
        }

        if (mod.Type == OfGroupType.Indirect && mod.Buckets.Count != 1)
            return OfErrorCode.GroupInvalid;
        var ids = new HashSet<uint>();
        foreach (var bucket in mod.Buckets)
        {
            if (!ids.Add(bucket.BucketId)) return OfErrorCode.GroupBucketExists;
            if (ErrorOf(bucket, mod.Type) is var error and not OfErrorCode.None) return error;
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode ErrorOf(OfBucket bucket, OfGroupType type)
    {
        if (bucket.Weight > 1 && type != OfGroupType.Select) return OfErrorCode.GroupInvalid;
        var watches = bucket.WatchPort != OfPort.Any || bucket.WatchGroup != OfGroupNumber.Any;
        return type switch
        {
            OfGroupType.FastFailover when !watches => OfErrorCode.GroupInvalid,
            OfGroupType.All or OfGroupType.Indirect when watches =>
                OfErrorCode.GroupWatchUnsupported,
            _ => OfErrorCode.None,
        };
    }

    private static OfErrorCode DecodeBuckets11(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, List<OfBucket> buckets)
    {
        var reader = new OfReader(bytes);
        while (!reader.IsEmpty)
        {
            var length = reader.U16();
            var weight = reader.U16();
            var (port, group) = (reader.U32(), reader.U32());
            reader.Skip(4);
            if (reader.Failed || length < 16 || length - 16 > reader.Remaining)
                return OfErrorCode.GroupBadBucket;
            if (length % 8 != 0) return OfErrorCode.RequestBadLength;
            var actions = new List<OfAction>();
            var error = ActionDecoder.Decode(reader.Bytes(length - 16), in context, actions);
            if (error != OfErrorCode.None) return error;
            if (OfPort.ErrorOf(port) != OfErrorCode.None) return OfErrorCode.GroupBadWatch;
            buckets.Add(new OfBucket((uint)buckets.Count, weight, port, group,
                ActionList.From(actions)));
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeBuckets15(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, List<OfBucket> buckets)
    {
        var reader = new OfReader(bytes);
        while (!reader.IsEmpty)
        {
            var length = reader.U16();
            var actionSize = reader.U16();
            var id = reader.U32();
            if (reader.Failed || length < 8 || length - 8 > reader.Remaining
                || actionSize > length - 8)
            {
                return OfErrorCode.GroupBadBucket;
            }

            if (actionSize % 8 != 0) return OfErrorCode.RequestBadLength;
            if (length % 8 != 0) return OfErrorCode.PropertyBadLength;
            var body = new OfReader(reader.Bytes(length - 8));
            var actions = new List<OfAction>();
            var error = ActionDecoder.Decode(body.Bytes(actionSize), in context, actions);
            if (error != OfErrorCode.None) return error;
            if (id > GroupMod.BucketIdMax) return OfErrorCode.GroupUnknownBucket;
            var bucket =
                new OfBucket(id, 1, OfPort.Any, OfGroupNumber.Any, ActionList.From(actions));
            error = DecodeBucketProperties(ref body, ref bucket);
            if (error != OfErrorCode.None) return error;
            buckets.Add(bucket);
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeBucketProperties(ref OfReader body, ref OfBucket bucket)
    {
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var type = body.U16();
            var length = body.U16();
            if (body.Failed || length < 8 || length - 4 > body.Remaining)
                return OfErrorCode.PropertyBadLength;
            var value = new OfReader(body.Bytes(length - 4));
            switch (type)
            {
                case 0: bucket = bucket with { Weight = value.U16() }; break;
                case 1:
                    bucket = bucket with { WatchPort = value.U32() };
                    if (OfPort.ErrorOf(bucket.WatchPort) != OfErrorCode.None)
                        return OfErrorCode.GroupBadWatch;
                    break;
                case 2: bucket = bucket with { WatchGroup = value.U32() }; break;
                default: return OfErrorCode.PropertyBadType;
            }

            body.Align8(start);
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeProperties(ref OfReader body, out OfSelectionMethod selection)
    {
        selection = OfSelectionMethod.Default;
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var type = body.U16();
            var length = body.U16();
            if (body.Failed || length < 4 || length - 4 > body.Remaining)
                return OfErrorCode.PropertyBadLength;
            var value = new OfReader(body.Bytes(length - 4));
            body.Align8(start);
            if (type != ExperimenterProperty) return OfErrorCode.PropertyBadType;
            if (value.U32() != NtrVendor) return OfErrorCode.PropertyBadExperimenter;
            if (value.U32() != 1) return OfErrorCode.PropertyBadExperimenterType;
            value.Skip(4);
            var method = value.Text(MethodSize);
            var parameter = value.U64();
            if (value.Failed) return OfErrorCode.PropertyBadLength;
            if (method is not ("hash" or "dp_hash")) return OfErrorCode.PropertyBadValue;
            var error = DecodeFields(ref value, out var fields);
            if (error != OfErrorCode.None) return error;
            selection = new OfSelectionMethod(method, parameter, fields);
        }

        return OfErrorCode.None;
    }

    /// <summary>Fields with their mask as value (an NXM list without prerequisites).</summary>
    private static OfErrorCode DecodeFields(ref OfReader value,
        out EquatableArray<MatchEntry> fields)
    {
        var list = new List<MatchEntry>();
        fields = [];
        while (value.Remaining >= 4)
        {
            var error = NxmCodec.ReadEntry(ref value, out var header, out var mask, out _);
            if (error != OfErrorCode.None || header.Field is not { } field)
                return OfErrorCode.PropertyBadValue;
            list.Add(new MatchEntry(field, 0, mask & field.ExactMask));
        }

        fields = list.ToEquatableArray();
        return OfErrorCode.None;
    }

    private static void WriteBuckets11(
        OfWriter writer, EquatableArray<OfBucket> buckets, OfGroupType type,
        in OfCodecContext context)
    {
        foreach (var bucket in buckets)
        {
            var start = writer.Length;
            writer.U16(0).U16(type == OfGroupType.Select ? bucket.Weight : (ushort)0);
            writer.U32(bucket.WatchPort).U32(bucket.WatchGroup).Zeros(4);
            ActionEncoder.Write(writer, bucket.Actions, in context);
            writer.PatchU16(start, writer.Length - start);
        }
    }

    private static void WriteBuckets15(
        OfWriter writer, EquatableArray<OfBucket> buckets, OfGroupType type,
            in OfCodecContext context)
    {
        foreach (var bucket in buckets)
        {
            var start = writer.Length;
            writer.U16(0).U16(0).U32(bucket.BucketId);
            var first = writer.Length;
            ActionEncoder.Write(writer, bucket.Actions, in context);
            writer.PatchU16(start + 2, writer.Length - first);
            if (type == OfGroupType.Select || bucket.Weight > 1)
                writer.U16(0).U16(8).U16(bucket.Weight).Zeros(2);
            if (bucket.WatchPort != OfPort.Any) writer.U16(1).U16(8).U32(bucket.WatchPort);
            if (bucket.WatchGroup != OfGroupNumber.Any) writer.U16(2).U16(8).U32(bucket.WatchGroup);
            writer.PatchU16(start, writer.Length - start);
        }
    }

    private static void WriteProperties(
        OfWriter writer, OfSelectionMethod selection, in OfCodecContext context)
    {
        if (selection.Method.Length == 0) return;
        var start = writer.Length;
        writer.U16(ExperimenterProperty).U16(0).U32(NtrVendor).U32(1).Zeros(4);
        writer.Text(selection.Method, MethodSize).U64(selection.Parameter);
        foreach (var field in selection.Fields)
        {
            NxmCodec.WriteEntry(writer, field.Field, field.Mask, field.Field.ExactMask, in context);
        }

        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
    }
}
