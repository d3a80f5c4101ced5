using System.Runtime.InteropServices;
using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>Bundles: changes that are collected and done at once (OpenFlow 1.4 section
/// 6.8).</content>
public sealed partial class ConnectionActor
{
    private const string BundleTimer = "bundles";

    private readonly SortedDictionary<uint, Bundle> _bundles = [];

    private sealed record BundleIdleCheck;

    private sealed class Bundle(BundleFlags flags, long touched, PendingChange opening)
    {
        /// <summary>The message that opened the bundle: a timeout is told about it.</summary>
        public PendingChange Opening { get; } = opening;

        public BundleFlags Flags { get; } = flags;
        public List<SwitchChange> Changes { get; } = [];
        public List<PendingChange> Sources { get; } = [];
        public long Size { get; set; }
        public long Touched { get; set; } = touched;
        public bool IsClosed { get; set; }
        public bool IsFailed { get; set; }
    }

    private void OnBundleControl(OfBundleControl control, uint xid, ReadOnlyMemory<byte> frame)
    {
        var error = control.Type switch
        {
            BundleControlType.OpenRequest => Open(control, xid, frame),
            BundleControlType.CloseRequest => Close(control),
            BundleControlType.DiscardRequest => Discard(control),
            BundleControlType.CommitRequest => Commit(control, xid, frame),
            _ => OfErrorCode.BundleBadType,
        };
        if (error != OfErrorCode.None) SendError(error, xid, frame);
        else if (control.Type != BundleControlType.CommitRequest) Reply(control, xid);
    }

    private void Reply(OfBundleControl control, uint xid) =>
        Send(new OfBundleControl(control.BundleId, control.Type + 1, control.Flags), xid);

    private OfErrorCode Open(OfBundleControl control, uint xid, ReadOnlyMemory<byte> frame)
    {
        if (_bundles.Remove(control.BundleId)) return OfErrorCode.BundleBadId;
        if (_bundles.Count >= Limits.BundleCountMax) return OfErrorCode.BundleOutOfBundles;
        var head = frame[..Math.Min(frame.Length, Limits.ErrorDataSize)].ToArray();
        var opening = new PendingChange(xid, head);
        _bundles.Add(
            control.BundleId, new Bundle(control.Flags, _time.GetTimestamp(), opening));
        if (!Timers.IsTimerActive(BundleTimer))
        {
            Timers.StartPeriodicTimer(BundleTimer, new BundleIdleCheck(), TimeSpan.FromSeconds(1));
        }

        return OfErrorCode.None;
    }

    private OfErrorCode Close(OfBundleControl control)
    {
        if (!_bundles.TryGetValue(control.BundleId, out var bundle)) return OfErrorCode.BundleBadId;
        var error = bundle.IsClosed ? OfErrorCode.BundleClosed
            : bundle.Flags != control.Flags ? OfErrorCode.BundleBadFlags : OfErrorCode.None;
        if (error != OfErrorCode.None) _bundles.Remove(control.BundleId);
        bundle.IsClosed = true;
        bundle.Touched = _time.GetTimestamp();
        return error;
    }

    private OfErrorCode Discard(OfBundleControl control) =>
        _bundles.Remove(control.BundleId) ? OfErrorCode.None : OfErrorCode.BundleBadId;

    private void OnBundleAdd(OfBundleAdd add, uint xid, ReadOnlyMemory<byte> frame)
    {
        if (Refuses(xid, frame)) return;
        if (add.Xid != xid)
        {
            FailBundle(frame.Span);
            SendError(OfErrorCode.BundleMessageBadXid, xid, frame);
            return;
        }

        if (!_bundles.TryGetValue(add.BundleId, out var bundle))
        {
            var opened =
                new OfBundleControl(add.BundleId, BundleControlType.OpenRequest, add.Flags);
            var error = Open(opened, xid, frame);
            if (error != OfErrorCode.None)
            {
                SendError(error, xid, frame);
                return;
            }

            bundle = _bundles[add.BundleId];
        }

        var refused = bundle.IsClosed ? OfErrorCode.BundleClosed
            : bundle.Flags != add.Flags ? OfErrorCode.BundleBadFlags
            : bundle.Size + frame.Length > Limits.BundleSizeMax ? OfErrorCode.BundleMessageTooMany
            : OfErrorCode.None;
        if (refused != OfErrorCode.None)
        {
            if (refused is OfErrorCode.BundleClosed or OfErrorCode.BundleBadFlags)
                _bundles.Remove(add.BundleId);
            SendError(refused, xid, frame);
            return;
        }

        bundle.Changes.Add(new SwitchChange(add.Message, add.Xid));
        bundle.Sources.Add(new PendingChange(add.Xid, frame[InnerOffset(frame.Span)..]));
        bundle.Size += frame.Length;
        bundle.Touched = _time.GetTimestamp();
    }

    private OfErrorCode Commit(OfBundleControl control, uint xid, ReadOnlyMemory<byte> frame)
    {
        if (!_bundles.Remove(control.BundleId, out var bundle)) return OfErrorCode.BundleBadId;
        if (IsSecondary) return OfErrorCode.RequestIsSecondary;
        if (bundle.Flags != control.Flags) return OfErrorCode.BundleBadFlags;
        if (bundle.IsFailed) return OfErrorCode.BundleMessageFailed;
        FlushChanges();
        var pending = new Pending(xid, frame, bundle.Sources, control);
        if (CanApply(bundle.Changes))
        {
            var failures = _tables!.Apply(
                CollectionsMarshal.AsSpan(bundle.Changes), isAtomic: true, Self);
            TellFailures(failures, bundle.Sources);
            FinishCommit(control, pending, failures.IsEmpty);
            return OfErrorCode.None;
        }

        _switch.Tell(new ApplyChanges(Remember(pending), [.. bundle.Changes], IsAtomic: true,
            Self));
        return OfErrorCode.None;
    }

    private void FinishCommit(OfBundleControl control, Pending pending, bool isDone)
    {
        if (isDone) Reply(control, pending.Xid);
        else SendError(OfErrorCode.BundleMessageFailed, pending.Xid, pending.Frame);
    }

    private static bool IsBundleAdd(in OfHeader header, ReadOnlySpan<byte> frame) =>
        (header.Version >= OfVersion.OpenFlow14 && header.Type == 34)
        || (header.Type == 4 && frame.Length >= 20 && frame[8..16].SequenceEqual(OnfBundleAdd));

    private static ReadOnlySpan<byte> OnfBundleAdd => [0x4F, 0x4E, 0x46, 0, 0, 0, 0x08, 0xFD];

    /// <summary>Where a member begins: after id, padding and flags.</summary>
    private int InnerOffset(ReadOnlySpan<byte> frame) => IdOffset(frame) + 8;

    private int IdOffset(ReadOnlySpan<byte> frame) =>
        _version >= OfVersion.OpenFlow14 && frame[1] == 34 ? OfHeader.Size : OfHeader.Size + 8;

    /// <summary>A member whose own number is another than the message's.</summary>
    private bool HasOtherXid(ReadOnlySpan<byte> frame, uint xid) =>
        OfHeader.TryRead(frame[Math.Min(InnerOffset(frame), frame.Length)..], out var member)
        && member.Length >= OfHeader.Size && member.Length <= frame.Length - InnerOffset(frame)
        && member.Version == _version && member.Xid != xid;

    /// <summary>A member that could not be understood: the bundle cannot be committed.</summary>
    private void FailBundle(ReadOnlySpan<byte> frame)
    {
        var at = IdOffset(frame);
        if (frame.Length < at + 4) return;
        var id = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame[at..]);
        if (_bundles.TryGetValue(id, out var bundle)) bundle.IsFailed = true;
    }

    private void DropIdleBundles()
    {
        // While the switch owes answers, it is not the peer who is slow.
        if (_pending.Count > 0)
        {
            foreach (var waiting in _bundles.Values) waiting.Touched = _time.GetTimestamp();
            return;
        }

        var idle = _bundles.Where(each => IsIdle(each.Value)).Select(each => each.Key).ToArray();
        foreach (var id in idle)
        {
            if (!_bundles.Remove(id, out var bundle)) continue;
            SendError(OfErrorCode.BundleTimeout, bundle.Opening.Xid, bundle.Opening.Frame);
        }

        if (_bundles.Count == 0) Timers.Cancel(BundleTimer);
    }

    private bool IsIdle(Bundle bundle) =>
        _time.GetElapsedTime(bundle.Touched).TotalSeconds > Limits.BundleIdleSeconds;
}
