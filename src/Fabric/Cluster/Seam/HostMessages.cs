using System.Collections.Immutable;
using Akka.Event;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>Who at a host a message is for. The numbers are on the wire.</summary>
public enum Addressee : byte
{
    /// <summary>host/northbound: replica and endpoint.</summary>
    Northbound = 1,

    /// <summary>The writer, if it runs there.</summary>
    Writer = 2,
}

/// <summary>Asks the seam to carry a message to a host, this one included.</summary>
public sealed record SendToHost(string Host, Addressee To, object Payload);

/// <summary>A message from a host, this one included.</summary>
public sealed record HostDelivered(string FromHost, Addressee To, object Payload);

/// <summary>What travels between hosts: a part of an encoded message.</summary>
/// <param name="MessageId">Rising; with the host it names the message.</param>
/// <param name="Index">From zero.</param>
public sealed record HostFrame(
    string FromHost, long MessageId, int Index, int Count, ReadOnlyMemory<byte> Bytes)
    : IDeadLetterSuppression
{
    public bool Equals(HostFrame? other) => other is not null && FromHost == other.FromHost
        && MessageId == other.MessageId && Index == other.Index && Count == other.Count
        && Bytes.Span.SequenceEqual(other.Bytes.Span);

    public override int GetHashCode() => HashCode.Combine(FromHost, MessageId, Index);
}

/// <summary>From an endpoint to the writer. Sent again until it is answered.</summary>
/// <param name="Operations">RFC 7047 operations as JSON.</param>
public sealed record SubmitTransaction(
    RequestId Request, ReadOnlyMemory<byte> Operations, TransactionOrigin Origin);

/// <summary>From an endpoint to the writer: nobody waits for it any more.</summary>
public sealed record CancelSubmission(RequestId Request);

/// <summary>A transaction that left nothing in the log: it failed, or only read.</summary>
/// <param name="AfterSequence">It saw the database there; the answer waits for it.</param>
public sealed record SubmissionAnswered(
    RequestId Request, ImmutableArray<OperationResult> Results, OvsdbError? Error,
    long AfterSequence);

/// <summary>The writer has the transaction, and cannot go on yet.</summary>
/// <param name="IsWaiting">In a "wait" operation; otherwise for a majority.</param>
public sealed record SubmissionHeld(
    RequestId Request, bool IsWaiting, int ReachableVoters, int Voters);

/// <summary>From each host to the writer, again at every new writer.</summary>
public sealed record HostApplied(long Sequence, long NbCfg);

/// <summary>From an operator's host to the writer.</summary>
/// <param name="IsForced">The host is lost for good; do without it even lacking a majority.</param>
public sealed record RemoveVoter(string Host, bool IsForced);
