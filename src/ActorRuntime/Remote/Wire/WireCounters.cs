namespace Akka.Remote.Wire;

/// <summary>One process-wide count; <see cref="Value"/> may be read at any time.</summary>
internal sealed class WireCounter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public void Increment() => Interlocked.Increment(ref _value);
}

/// <summary>What was survived on the wire: each refusal has a name and a count.</summary>
internal static class WireCounters
{
    public static readonly WireCounter UnknownFields = new();
    public static readonly WireCounter UnknownManifests = new();
    public static readonly WireCounter UnknownSerializers = new();
    public static readonly WireCounter MalformedMessages = new();
    public static readonly WireCounter MalformedFrames = new();
    public static readonly WireCounter OversizeFramesIn = new();
    public static readonly WireCounter OversizeFramesOut = new();
    public static readonly WireCounter OutboundQueueFull = new();
    public static readonly WireCounter RefusedPeers = new();
    public static readonly WireCounter RefusedUntrusted = new();
    public static readonly WireCounter ForgedSenders = new();

    /// <summary>All counters by the names that operators see.</summary>
    public static IEnumerable<KeyValuePair<string, long>> All =>
    [
        new("unknown_fields", UnknownFields.Value),
        new("unknown_manifests", UnknownManifests.Value),
        new("unknown_serializers", UnknownSerializers.Value),
        new("malformed_messages", MalformedMessages.Value),
        new("malformed_frames", MalformedFrames.Value),
        new("oversize_frames_in", OversizeFramesIn.Value),
        new("oversize_frames_out", OversizeFramesOut.Value),
        new("outbound_queue_full", OutboundQueueFull.Value),
        new("refused_peers", RefusedPeers.Value),
        new("refused_untrusted", RefusedUntrusted.Value),
        new("forged_senders", ForgedSenders.Value),
    ];
}

/// <summary>Bounds on what is read from another host.</summary>
internal static class WireLimits
{
    /// <summary>Longer address texts are malformed.</summary>
    public const int AddressSizeMax = 512;

    /// <summary>Longer actor paths are malformed.</summary>
    public const int PathSizeMax = 4096;

    /// <summary>A gossip with more members is malformed.</summary>
    public const int MemberCountMax = 20_000;

    /// <summary>Versions of the gossip that one message may name.</summary>
    public const int DigestCountMax = 64;

    /// <summary>A member with more roles is malformed.</summary>
    public const int RoleCountMax = 64;
}
