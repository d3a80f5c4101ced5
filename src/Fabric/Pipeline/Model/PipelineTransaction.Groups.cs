using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Groups and meters.</content>
internal sealed partial class PipelineTransaction
{
    private const int BucketCountMax = 1024;

    private OfErrorCode ErrorOf(ActionList actions)
    {
        foreach (var action in actions)
        {
            if (ActionFields.Any(action, Tlv, IsUnmapped)) return OfErrorCode.TlvFieldUnmapped;
            switch (action)
            {
                case OfGroup group when !_groups.ContainsKey(group.GroupId):
                    return OfErrorCode.ActionBadOutGroup;
                case OfMeter meter when !_meters.ContainsKey(meter.MeterId):
                    return OfErrorCode.MeterInvalid;
                case OfWriteActions write when ErrorOf(write.Actions) is var error
                    && error != OfErrorCode.None:
                    return error;
                case OfClone clone when ErrorOf(clone.Actions) is var error
                    && error != OfErrorCode.None:
                    return error;
            }
        }

        return OfErrorCode.None;
    }

    private static bool IsUnmapped(MatchField field, TlvTable table) =>
        !field.TryLocate(table, out _, out _);

    private OfErrorCode Apply(GroupMod mod, uint xid)
    {
        var isKnown = _groups.TryGetValue(mod.GroupId, out var known);
        switch (mod.Command)
        {
            case GroupModCommand.Add when isKnown:
                return OfErrorCode.GroupExists;
            case GroupModCommand.Modify when !isKnown:
                return OfErrorCode.GroupUnknown;
            case GroupModCommand.Add or GroupModCommand.Modify or GroupModCommand.AddOrModify:
                return Set(mod, known);
            case GroupModCommand.Delete:
                DeleteGroups(mod.GroupId, xid);
                return OfErrorCode.None;
            case GroupModCommand.InsertBucket:
                return known is null ? OfErrorCode.GroupUnknown : Insert(mod, known);
            case GroupModCommand.RemoveBucket:
                return known is null ? OfErrorCode.GroupUnknown : RemoveBucket(mod, known);
            default:
                return OfErrorCode.GroupBadCommand;
        }
    }

    private OfErrorCode Set(GroupMod mod, GroupSnapshot? known)
    {
        if (mod.GroupId > OfGroupNumber.Max) return OfErrorCode.GroupInvalid;
        if (mod.Buckets.Count > BucketCountMax) return OfErrorCode.GroupOutOfBuckets;
        if (mod.Type == OfGroupType.Indirect && mod.Buckets.Count != 1)
        {
            return OfErrorCode.GroupInvalid;
        }

        var buckets = ImmutableArray.CreateBuilder<GroupBucket>();
        foreach (var bucket in mod.Buckets)
        {
            if (mod.Type == OfGroupType.FastFailover && bucket.WatchPort == OfPort.Any
                && bucket.WatchGroup == OfGroupNumber.Any)
            {
                return OfErrorCode.GroupInvalid;
            }

            buckets.Add(GroupBucket.Of(bucket));
        }

        Keep(GroupSnapshot.Of(mod.GroupId, mod.Type, buckets.ToImmutable(), mod.Selection,
            known?.CreatedMilliseconds ?? _now));
        return OfErrorCode.None;
    }

    private OfErrorCode Insert(GroupMod mod, GroupSnapshot known)
    {
        if (known.Buckets.Length + mod.Buckets.Count > BucketCountMax)
        {
            return OfErrorCode.GroupOutOfBuckets;
        }

        foreach (var bucket in mod.Buckets)
        {
            if (IndexOf(known, bucket.BucketId) >= 0) return OfErrorCode.GroupBucketExists;
        }

        var at = mod.CommandBucketId switch
        {
            GroupMod.BucketFirst => 0,
            GroupMod.BucketLast or GroupMod.BucketAll => known.Buckets.Length,
            _ => IndexOf(known, mod.CommandBucketId) + 1,
        };
        if (at == 0 && mod.CommandBucketId != GroupMod.BucketFirst)
        {
            return OfErrorCode.GroupUnknownBucket;
        }

        var added = new List<GroupBucket>();
        foreach (var bucket in mod.Buckets) added.Add(GroupBucket.Of(bucket));
        Keep(GroupSnapshot.Of(known.Id, known.Type, known.Buckets.InsertRange(at, added),
            known.Selection, known.CreatedMilliseconds));
        return OfErrorCode.None;
    }

    private OfErrorCode RemoveBucket(GroupMod mod, GroupSnapshot known)
    {
        var buckets = known.Buckets;
        switch (mod.CommandBucketId)
        {
            case GroupMod.BucketAll:
                buckets = [];
                break;
            case GroupMod.BucketFirst:
                if (buckets.Length > 0) buckets = buckets.RemoveAt(0);
                break;
            case GroupMod.BucketLast:
                if (buckets.Length > 0) buckets = buckets.RemoveAt(buckets.Length - 1);
                break;
            default:
                var at = IndexOf(known, mod.CommandBucketId);
                if (at < 0) return OfErrorCode.GroupUnknownBucket;
                buckets = buckets.RemoveAt(at);
                break;
        }

        Keep(GroupSnapshot.Of(
            known.Id, known.Type, buckets, known.Selection, known.CreatedMilliseconds));
        return OfErrorCode.None;
    }

    private void DeleteGroups(uint id, uint xid)
    {
        var ids = id == OfGroupNumber.All ? _groups.Keys.ToArray() : [id];
        foreach (var each in ids)
        {
            if (!_groups.ContainsKey(each)) continue;
            _groups = _groups.Remove(each);
            _isTouched = true;
        }

        foreach (var rule in _tables.Rules(Version).ToArray())
        {
            if (Array.Exists(ids, rule.UsesGroup))
            {
                Remove(rule, FlowRemovedReason.GroupDelete, xid);
            }
        }
    }

    private void Keep(GroupSnapshot group)
    {
        _groups = _groups.SetItem(group.Id, group);
        _isTouched = true;
    }

    private static int IndexOf(GroupSnapshot group, uint bucketId)
    {
        for (var i = 0; i < group.Buckets.Length; i++)
        {
            if (group.Buckets[i].Spec.BucketId == bucketId) return i;
        }

        return -1;
    }

    private OfErrorCode Apply(MeterMod mod, uint xid)
    {
        var isKnown = _meters.TryGetValue(mod.MeterId, out var known);
        switch (mod.Command)
        {
            case MeterModCommand.Add when isKnown:
                return OfErrorCode.MeterExists;
            case MeterModCommand.Modify when !isKnown:
                return OfErrorCode.MeterUnknownMeter;
            case MeterModCommand.Delete:
                DeleteMeters(mod.MeterId, xid);
                return OfErrorCode.None;
        }

        uint? id = null;
        if (_meterDirectory is not null)
        {
            if (!_meterDirectory.TrySet(mod, known?.DatapathId, out var number))
            {
                return OfErrorCode.MeterOutOfMeters;
            }

            id = number;
        }

        _meters = _meters.SetItem(
            mod.MeterId, new MeterSnapshot(mod, id, known?.CreatedMilliseconds ?? _now));
        _isTouched = true;
        return OfErrorCode.None;
    }

    private void DeleteMeters(uint id, uint xid)
    {
        var ids = id == OfMeterNumber.All ? _meters.Keys.ToArray() : [id];
        foreach (var each in ids)
        {
            if (!_meters.TryGetValue(each, out var meter)) continue;
            if (meter.DatapathId is { } number) _freedMeters.Add(number);
            _meters = _meters.Remove(each);
            _isTouched = true;
        }

        foreach (var rule in _tables.Rules(Version).ToArray())
        {
            if (Array.Exists(ids, rule.UsesMeter))
            {
                Remove(rule, FlowRemovedReason.MeterDelete, xid);
            }
        }
    }
}
