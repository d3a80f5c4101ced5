using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A control channel whose connection is the kernel's.</summary>
internal sealed unsafe class ControlChannel
{
    private const int AcknowledgementAt = 8, AcknowledgementSize = 4, OptionsAt = 20;

    private readonly ConnectionRecord[] _record =
        GC.AllocateArray<ConnectionRecord>(1, pinned: true);
    private readonly KernelTuple _original;
    private readonly ulong _started;
    private KernelChannel _saved;

    private ControlChannel(in KernelConnection connection, in KernelChannel saved)
    {
        _original = connection.Original;
        _started = connection.Started;
        _saved = saved;
        _record[0] = new ConnectionRecord
        {
            Timeouts = ConntrackTimeouts.Default,
            Original = KernelTuples.KeyOf(in connection.Original),
            Reply = KernelTuples.KeyOf(in connection.Reply),
            Nat = (NatType)connection.Nat,
            Extra = new ConnectionExtra
            {
                Helper = connection.Helper == KernelHelper.Ftp ? "ftp" : "tftp",
                ShiftOriginal = saved.Original,
                ShiftReply = saved.Reply,
            },
        };
    }

    /// <summary>What the managed tracker's code reads and writes; as long as this lives.</summary>
    public Connection Connection => Connection.At(ref _record[0]);

    /// <summary>What the kernel has been told to expect of this channel.</summary>
    public HashSet<Expectation> Published { get; } = [];

    /// <summary>The channel with this tuple on either side; null: there is none.</summary>
    public static ControlChannel? Read(KernelObject kernel, in ConntrackKey tuple)
    {
        var key = KernelTuples.Of(in tuple);
        KernelConnection connection;
        if (LibBpf.Lookup(kernel.Connections, &key, &connection) != 0)
        {
            KernelTuple original;
            if (LibBpf.Lookup(kernel.Replies, &key, &original) != 0
                || LibBpf.Lookup(kernel.Connections, &original, &connection) != 0)
            {
                return null;
            }
        }

        if (connection.Helper == KernelHelper.None) return null;
        KernelChannel saved;
        var isSaved = LibBpf.Lookup(kernel.Channels, &connection.Original, &saved) == 0
            && saved.Started == connection.Started;
        return new ControlChannel(
            in connection, isSaved ? saved : new KernelChannel { Started = connection.Started });
    }

    public bool IsReply(in ConntrackKey tuple) =>
        !ConntrackKey.AreEqual(tuple, Connection.Original);

    /// <summary>The connection is still there, and still the same.</summary>
    public bool IsAlive(KernelObject kernel, out KernelConnection now)
    {
        var key = _original;
        fixed (KernelConnection* value = &now)
        {
            return LibBpf.Lookup(kernel.Connections, &key, value) == 0
                && value->Started == _started;
        }
    }

    /// <summary>
    /// Acknowledgements of rewritten lines as their sender counts, for the tracker to judge.
    /// </summary>
    /// <returns>The header as it was; null: nothing changed.</returns>
    public byte[]? Unshift(TrackedPacket packet, in ConntrackKey tuple)
    {
        if (packet.Protocol != ConntrackKey.ProtocolTcp) return null;
        var extra = Connection.Extra!;
        var other = IsReply(in tuple) ? extra.ShiftOriginal : extra.ShiftReply;
        if (other.IsNone) return null;
        var header = packet.Transport[..((packet.Transport[12] >> 4) * 4)];
        var before = header.ToArray();
        return SequenceAdjustment.Apply(header, default, other) ? before : null;
    }

    /// <summary>Takes back <see cref="Unshift"/>; translated ports stay.</summary>
    public static void Restore(byte[] header, Span<byte> transport)
    {
        header.AsSpan(AcknowledgementAt, AcknowledgementSize)
            .CopyTo(transport[AcknowledgementAt..]);
        header.AsSpan(OptionsAt).CopyTo(transport[OptionsAt..]);
    }

    /// <summary>Keeps beside the connection by how much its lines grew.</summary>
    public void Save(KernelObject kernel)
    {
        var extra = Connection.Extra!;
        var fresh = new KernelChannel
        {
            Started = _started,
            Original = extra.ShiftOriginal,
            Reply = extra.ShiftReply,
        };
        if (fresh.Equals(_saved)) return;
        var key = _original;
        _saved = fresh;
        LibBpf.Update(kernel.Channels, &key, &fresh, LibBpf.UpdateAny);
    }

    public void Remove(KernelObject kernel)
    {
        var key = _original;
        LibBpf.Delete(kernel.Channels, &key);
    }
}
