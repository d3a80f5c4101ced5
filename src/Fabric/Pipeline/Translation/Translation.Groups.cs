using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Groups, the action set, mirrors.</content>
internal sealed partial class Translation
{
    private void RunGroup(uint groupId, bool isLast)
    {
        if (!_view.Groups.TryGetValue(groupId, out var group))
        {
            _trace?.Add(TraceKind.Warn, $"group {groupId} does not exist");
            Fail(DropReason.TranslationError);
            return;
        }

        if (!MayRecurse()) return;
        var inGroup = _inGroup;
        _inGroup = true;
        switch (group.Type)
        {
            case OfGroupType.All or OfGroupType.Indirect:
                for (var i = 0; i < group.Buckets.Length; i++)
                {
                    RunBucket(group.Buckets[i], isLast && i == group.Buckets.Length - 1);
                }

                break;
            default:
                var bucket = group.Type == OfGroupType.FastFailover
                    ? FirstLive(group) : Select(group);
                if (bucket is null)
                {
                    Report(TraceKind.Detail, "no live bucket");
                    break;
                }

                _trace?.Add(TraceKind.Detail, $"using bucket {bucket.Spec.BucketId}");
                RunBucket(bucket, isLast);
                break;
        }

        _inGroup = inGroup;

        // A packet that only goes for its hash comes round again.
        if (!_freezesWithHash) _result.Credit(group.Counter);
    }

    private void RunBucket(GroupBucket bucket, bool isLast)
    {
        var before = new CloneState(this);
        _trace?.Add(TraceKind.Bucket, $"bucket {bucket.Spec.BucketId}");
        var trace = Nest();
        _result.Credit(bucket.Counter);
        _actionSet.Clear();
        _depth++;
        _resubmits++;
        Execute(bucket.Actions.AsSpan(), isLast);
        _depth--;
        if (_result.Error == DropReason.None && _isFreezing) FinishFreezing();
        _trace = trace;
        before.Restore(this);
    }

    private GroupBucket? FirstLive(GroupSnapshot group)
    {
        foreach (var bucket in group.Buckets)
        {
            if (IsLive(bucket, 0)) return bucket;
        }

        return null;
    }

    private bool IsLive(GroupBucket bucket, int depth)
    {
        var spec = bucket.Spec;
        if (spec.WatchPort == OfPort.Any && spec.WatchGroup == OfGroupNumber.Any) return true;
        if (PortOf(spec.WatchPort) is { CanSend: true }) return true;
        if (spec.WatchGroup == OfGroupNumber.Any || depth > 16) return false;
        if (!_view.Groups.TryGetValue(spec.WatchGroup, out var watched)) return false;
        foreach (var inner in watched.Buckets)
        {
            if (IsLive(inner, depth + 1)) return true;
        }

        return false;
    }

    private GroupBucket? Select(GroupSnapshot group)
    {
        uint hash;
        switch (group.Method)
        {
            case GroupSelection.DatapathHash:
                return SelectByDatapathHash(group, group.HashTable!);
            case GroupSelection.Fields:
                hash = FlowHash.Selection(ref _flow, ref _wild, group.Selection, _view.Tlv,
                    field => HasPrerequisite(field.Prerequisite, field));
                break;
            default:
                hash = FlowHash.Fields(
                    in _flow.Flow, ref _wild.Flow, OfHashFields.SymmetricL4, 0);
                break;
        }

        GroupBucket? best = null;
        uint bestScore = 0;
        foreach (var bucket in group.Buckets)
        {
            if (!IsLive(bucket, 0)) continue;
            var score = (OvsHash.Words(bucket.Spec.BucketId, hash) & 0xFFFF) * bucket.Spec.Weight;
            _trace?.Add(TraceKind.Detail, $"bucket {bucket.Spec.BucketId}: score {score}");
            if (best is not null && score < bestScore) continue;
            (best, bestScore) = (bucket, score);
        }

        return best;
    }

    /// <summary>The datapath hashes the packet, which comes round again with the result.</summary>
    private GroupBucket? SelectByDatapathHash(GroupSnapshot group, byte[] table)
    {
        if (_flow.Flow.DatapathHashWire == 0)
        {
            _hashBasis = group.HashBasis;
            _hashAlgorithm = group.HashAlgorithm;
            _freezesWithHash = true;
            Freeze(repeat: true);
            return null;
        }

        var mask = (uint)(table.Length - 1);
        _wild.Flow.DatapathHashWire |= KeyCommit.Host(mask);
        var slot = KeyCommit.Host(_flow.Flow.DatapathHashWire) & mask;
        for (var i = 0; i < table.Length; i++)
        {
            var bucket = group.Buckets[table[(slot + (uint)i) & mask]];
            if (IsLive(bucket, 0)) return bucket;
        }

        return null;
    }

    private void WriteActions(ActionList actions)
    {
        foreach (var action in actions)
        {
            _actionSet.Add(action);
            if (_hasWrittenGroup) continue;
            if (action is OfOutput output) _flow.ActionSetOutput = output.Port;
            else if (action is OfGroup)
            {
                _flow.ActionSetOutput = OfPort.Unset;
                _hasWrittenGroup = true;
            }
        }

        if (_trace is null) return;
        var ordered = ActionSet.InOrder(_actionSet);
        Report(TraceKind.Detail, $"action set is: {FlowText.Actions(ordered)}");
    }

    private void RunActionSet()
    {
        if (_actionSet.Count == 0) return;
        var ordered = ActionSet.InOrder(_actionSet);
        _actionSet.Clear();
        Report(TraceKind.Table, "--. Executing action set:");
        var trace = Nest();
        _inActionSet = true;
        Execute(ordered.AsSpan(), isLast: true);
        _inActionSet = false;
        _trace = trace;
    }

    private void MirrorReceived()
    {
        if (_bridge.Mirrors.IsEmpty || _inPort is not { } port) return;
        if (_bridge.BundleOf(port) is not { } bundle) return;
        foreach (var mirror in _bridge.Mirrors)
        {
            if (mirror.SelectAll || mirror.SourcePorts.Contains(bundle.Name))
            {
                Mirror(mirror, bundle);
            }
        }
    }

    private void MirrorSent(BundleSnapshot bundle)
    {
        foreach (var mirror in _bridge.Mirrors)
        {
            if (mirror.OutputPort == bundle.Name) continue;
            if (mirror.SelectAll || mirror.DestinationPorts.Contains(bundle.Name))
            {
                Mirror(mirror, bundle);
            }
        }
    }

    private void Mirror(MirrorSnapshot mirror, BundleSnapshot bundle)
    {
        if ((_mirrors & (1UL << mirror.Index)) != 0) return;
        var tags = VlanTags.Of(in _flow.Flow).Inward(bundle);
        if (!mirror.Vlans.IsEmpty)
        {
            _wild.Flow.VlanTci0Wire |= KeyCommit.Host((ushort)0x1FFF);
            if (!mirror.Vlans.Contains(tags.Vid)) return;
        }

        _mirrors |= 1UL << mirror.Index;
        var truncate = _truncateSize;
        _truncateSize = mirror.SnapLength;
        if (mirror.OutputPort is { } name)
        {
            if (_bridge.Bundles.TryGetValue(name, out var target))
            {
                OutputTo(target, in tags, isMirrored: true);
            }
        }
        else if (mirror.OutputVlan is { } vlan && tags.Vid != vlan)
        {
            var moved = tags with { Vid = (ushort)vlan };
            foreach (var each in _bridge.Bundles.Values.OrderBy(each => each.Name))
            {
                if (each.IsMirrorOutput || !moved.IsCarriedBy(each)) continue;
                OutputTo(each, in moved, isMirrored: true);
            }
        }

        _truncateSize = truncate;
    }
}
