using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>What one thread needs to move packets: caches, buffers, queues, counters.</summary>
/// <remarks>Used by one thread at a time. The datapath owns it and may read its counters.</remarks>
internal sealed class PacketContext
{
    private readonly ExactMatchCache _cache;
    private readonly SignatureCache _signatures;
    private TransmitQueue?[] _queues = new TransmitQueue?[16];
    private readonly List<TransmitQueue> _waiting = [];
    private ulong _random = NewSeed();
    private ulong _hit, _missed, _lost, _subtables, _cacheHit, _signatureHit;
    private ulong _received, _recirculated;
    private uint _cacheTurn;
    private long _epoch;

    public PacketContext(DatapathCore core, int cacheSlots)
    {
        Core = core;
        _cache = new ExactMatchCache(cacheSlots);
        _signatures = new SignatureCache(cacheSlots * DatapathLimits.SignaturesPerExactMatch);
        Batch = new PacketBatch(Pool);
        Executor = new ActionExecutor(this);
    }

    public DatapathCore Core { get; }
    public PacketPool Pool { get; } = new();
    public PacketBatch Batch { get; }
    public ActionExecutor Executor { get; }
    public DropCounters Drops => Batch.Drops;

    /// <summary>The clock as of the start of the batch.</summary>
    public long NowMilliseconds { get; private set; }

    /// <summary>Even while the thread holds no reference to ports or flows.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    public void Enter()
    {
        Interlocked.Increment(ref _epoch);
        NowMilliseconds = Core.NowMilliseconds();
    }

    public void Leave() => Interlocked.Increment(ref _epoch);

    /// <summary>Runs the first 'count' packets of the batch, which came in on 'port'.</summary>
    public void Process(PacketPort port, int count)
    {
        long bytes = 0;
        for (var i = 0; i < count; i++)
        {
            var packet = Batch.Packets[i];
            bytes += packet.Size;
            ProcessOne(packet, ref Batch.Keys[i]);
        }

        port.CountReceived(count, bytes);
        Flush();
    }

    /// <summary>Runs one packet whose key has its metadata; takes the packet's reference.</summary>
    public void ProcessOne(PacketBuffer packet, ref FlowKey key)
    {
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out var reason))
        {
            Drop(packet, reason);
            return;
        }

        RunFlow(packet, ref key, layout, depth: 0);
    }

    /// <summary>Looks the key up and runs what it finds, or what the upcall handler says.</summary>
    public void RunFlow(PacketBuffer packet, ref FlowKey key, in PacketLayout layout, int depth)
    {
        if (depth == 0) _received++;
        else if (key.RecirculationIdWire != 0) _recirculated++;
        var hash = FlowHash.OfExact(ref key);
        var flow = _cache.Find(ref key, hash);
        if (flow is not null)
        {
            _cacheHit++;
        }
        else
        {
            flow = FindMegaflow(ref key, hash);
            if (flow is null)
            {
                Miss(packet, ref key, layout, depth);
                return;
            }
        }

        _hit++;
        flow.CountHit(this, packet.Size, NowMilliseconds, key.TcpFlags);
        Executor.Run(packet, ref key, layout, flow.Actions, depth);
    }

    /// <summary>
    /// By the key's signature, or among the subtables; caches what it finds.
    /// </summary>
    private Megaflow? FindMegaflow(ref FlowKey key, uint hash)
    {
        var flow = _signatures.Find(ref key, hash);
        if (flow is not null)
        {
            _signatureHit++;
        }
        else
        {
            flow = Core.Flows.Find(ref key, ref _subtables);
            if (flow is null) return null;
            _signatures.Insert(hash, flow);
        }

        // A flood of new keys must not push out those that last.
        if (_cache.HasRoom(hash) || (++_cacheTurn & DatapathLimits.ExactMatchTurn) == 0)
        {
            _cache.Insert(ref key, hash, flow);
        }

        return flow;
    }

    private void Miss(PacketBuffer packet, ref FlowKey key, in PacketLayout layout, int depth)
    {
        _missed++;
        var handler = Core.UpcallHandler;
        if (handler is null)
        {
            _lost++;
            Drop(packet, DropReason.UpcallQueueFull);
            return;
        }

        var verdict = handler.Miss(packet, key, out var mask);
        var actions = verdict.Actions.IsDefault ? [] : verdict.Actions;
        // As in OVS, the packet that made a flow is not counted in it: the handler credits it.
        if (verdict.Install) Core.Flows.Put(key, mask, actions);

        var list = System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsArray(actions)!;
        Executor.Run(packet, ref key, layout, list, depth);
    }

    /// <summary>Queues a packet for 'port'; takes the packet's reference.</summary>
    public void Enqueue(PacketPort port, PacketBuffer packet, in EgressMetadata egress)
    {
        if (packet.SegmentSize != 0 && !port.TakesSuperPackets)
        {
            Segment(port, packet, egress);
            return;
        }

        if (packet.ChecksumStart >= 0 && !port.TakesPartialChecksums)
        {
            packet = Completed(packet);
            if (packet.ChecksumStart >= 0)
            {
                Drop(packet, DropReason.ChecksumInvalid);
                return;
            }
        }

        Append(port, packet, egress);
    }

    private void Segment(PacketPort port, PacketBuffer packet, in EgressMetadata egress)
    {
        if (!TryCut(packet, egress.PacketType, out var segmenter)) return;
        while (TryNext(ref segmenter, out var segment)) Append(port, segment, egress);
        Pool.Release(packet);
    }

    /// <summary>Begins to cut a super-packet; what is none is dropped.</summary>
    /// <param name="packetType">0 is Ethernet (host order).</param>
    public bool TryCut(PacketBuffer packet, uint packetType, out Segmenter segmenter)
    {
        if (Segmenter.TryCreate(packet, packetType, out segmenter)) return true;
        Drop(packet, DropReason.SegmentationFailed);
        return false;
    }

    /// <summary>The next segment, with one reference; false when there are no more.</summary>
    public bool TryNext(ref Segmenter segmenter, out PacketBuffer segment)
    {
        segment = Pool.Rent();
        if (segmenter.MoveNext(segment)) return true;
        Pool.Release(segment);
        return false;
    }

    /// <summary>The packet with its checksum finished: a copy when others hold it too.</summary>
    private PacketBuffer Completed(PacketBuffer packet)
    {
        if (packet.References > 1)
        {
            var copy = Pool.Rent();
            copy.CopyFrom(packet);
            Pool.Release(packet);
            packet = copy;
        }

        ChecksumCompletion.TryComplete(packet);
        return packet;
    }

    private void Append(PacketPort port, PacketBuffer packet, in EgressMetadata egress)
    {
        var number = port.Number;
        if (number >= _queues.Length) Array.Resize(ref _queues, (int)number + 16);
        var queue = _queues[number];
        if (queue is null || !ReferenceEquals(queue.Port, port))
        {
            queue?.Flush(Pool, Drops);
            _queues[number] = queue = new TransmitQueue(port);
        }

        if (queue.IsEmpty) _waiting.Add(queue);
        queue.Add(packet, egress, Pool, Drops);
    }

    public void Flush()
    {
        for (var i = 0; i < _waiting.Count; i++)
        {
            if (!_waiting[i].IsEmpty) _waiting[i].Flush(Pool, Drops);
        }

        _waiting.Clear();
    }

    public void Drop(PacketBuffer packet, DropReason reason)
    {
        Drops.Add(reason);
        Pool.Release(packet);
    }

    /// <summary>A number for sampling: spreads well, guards nothing.</summary>
    public uint NextRandom()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (uint)(_random >> 32);
    }

    private static ulong NewSeed() => 1 | System.Runtime.InteropServices.MemoryMarshal.Read<ulong>(
        System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));

    /// <summary>The thread's own counters; 'busy' and 'ports' are its owner's to know.</summary>
    public ThreadStatistics Statistics(
        string name, System.Collections.Immutable.ImmutableArray<uint> ports, TimeSpan busy)
    {
        var (hit, cache) = (Volatile.Read(ref _hit), Volatile.Read(ref _cacheHit));
        var signature = Volatile.Read(ref _signatureHit);
        return new ThreadStatistics(
            name, ports, Volatile.Read(ref _received), Volatile.Read(ref _recirculated), cache,
            signature, hit - Math.Min(hit, cache + signature), Volatile.Read(ref _subtables),
            Volatile.Read(ref _missed), Volatile.Read(ref _lost), busy);
    }

    public void AddTo(ref DatapathStatistics totals) => totals = totals with
    {
        Hit = totals.Hit + Volatile.Read(ref _hit),
        Missed = totals.Missed + Volatile.Read(ref _missed),
        Lost = totals.Lost + Volatile.Read(ref _lost),
        MaskHit = totals.MaskHit + Volatile.Read(ref _subtables),
        CacheHit = totals.CacheHit + Volatile.Read(ref _cacheHit),
    };
}
