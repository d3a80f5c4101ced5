using System.Collections.Immutable;

namespace Akka.Cluster;

internal enum ReachabilityStatus
{
    Reachable,
    Unreachable,
    Terminated,
}

/// <summary>What one observer says about one subject, as of the observer's version.</summary>
internal sealed record ReachabilityRecord(
    UniqueAddress Observer, UniqueAddress Subject, ReachabilityStatus Status, long Version);

/// <summary>
/// The table of who finds whom unreachable. A subject without records is reachable.
/// </summary>
/// <remarks>
/// Each observer owns its records and counts its changes; merging takes, per observer, the side
/// with the higher count. Terminated (a newer incarnation was seen) is never taken back.
/// </remarks>
internal sealed class Reachability : IEquatable<Reachability>
{
    public static readonly Reachability Empty =
        new([], ImmutableSortedDictionary<UniqueAddress, long>.Empty);

    public Reachability(
        ImmutableArray<ReachabilityRecord> records,
        ImmutableSortedDictionary<UniqueAddress, long> versions)
    {
        Records = records;
        Versions = versions;
    }

    public ImmutableArray<ReachabilityRecord> Records { get; }
    public ImmutableSortedDictionary<UniqueAddress, long> Versions { get; }

    public bool IsAllReachable => Records.IsEmpty;

    public IEnumerable<UniqueAddress> AllObservers => Records.Select(r => r.Observer).Distinct();

    /// <summary>
    /// Subjects that at least one observer finds unreachable and none terminated.
    /// </summary>
    public ImmutableHashSet<UniqueAddress> AllUnreachable =>
        Records.GroupBy(r => r.Subject)
            .Where(group => group.Any(r => r.Status == ReachabilityStatus.Unreachable)
                && group.All(r => r.Status != ReachabilityStatus.Terminated))
            .Select(group => group.Key).ToImmutableHashSet();

    public ImmutableHashSet<UniqueAddress> AllUnreachableOrTerminated =>
        Records.Where(r => r.Status != ReachabilityStatus.Reachable)
            .Select(r => r.Subject).ToImmutableHashSet();

    public Reachability Unreachable(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Unreachable);

    public Reachability Reachable(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Reachable);

    public Reachability Terminated(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Terminated);

    public ReachabilityStatus Status(UniqueAddress observer, UniqueAddress subject) =>
        Records.FirstOrDefault(r => r.Observer == observer && r.Subject == subject)?.Status
            ?? ReachabilityStatus.Reachable;

    public ReachabilityStatus Status(UniqueAddress subject)
    {
        var status = ReachabilityStatus.Reachable;
        foreach (var record in Records)
        {
            if (record.Subject != subject) continue;
            if (record.Status == ReachabilityStatus.Terminated) return record.Status;
            if (record.Status == ReachabilityStatus.Unreachable) status = record.Status;
        }

        return status;
    }

    public bool IsReachable(UniqueAddress subject) =>
        Records.IsEmpty || Status(subject) == ReachabilityStatus.Reachable;

    public bool IsReachable(UniqueAddress observer, UniqueAddress subject) =>
        Status(observer, subject) == ReachabilityStatus.Reachable;

    public ImmutableHashSet<UniqueAddress> AllUnreachableFrom(UniqueAddress observer) =>
        Records.Where(r => r.Observer == observer && r.Status == ReachabilityStatus.Unreachable)
            .Select(r => r.Subject).ToImmutableHashSet();

    public long VersionOf(UniqueAddress observer) => Versions.GetValueOrDefault(observer);

    /// <summary>Forgets removed nodes, both as observers and as subjects.</summary>
    public Reachability Remove(ImmutableHashSet<UniqueAddress> nodes) =>
        new(
            Records.RemoveAll(r => nodes.Contains(r.Observer) || nodes.Contains(r.Subject)),
            Versions.RemoveRange(nodes));

    public Reachability RemoveObservers(ImmutableHashSet<UniqueAddress> observers) =>
        observers.IsEmpty ? this : FilterRecords(r => !observers.Contains(r.Observer));

    public Reachability FilterRecords(Predicate<ReachabilityRecord> keep) =>
        new(Records.RemoveAll(r => !keep(r)), Versions);

    /// <summary>Per observer the newer records, restricted to the nodes of 'allowed'.</summary>
    public Reachability Merge(IReadOnlySet<UniqueAddress> allowed, Reachability other)
    {
        var records = ImmutableArray.CreateBuilder<ReachabilityRecord>();
        var versions = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, long>();
        var observers = Versions.Keys.Concat(other.Versions.Keys).Distinct().Order();
        foreach (var observer in observers.Where(allowed.Contains))
        {
            var isMine = VersionOf(observer) >= other.VersionOf(observer);
            var newer = isMine ? this : other;
            versions[observer] = newer.VersionOf(observer);
            records.AddRange(newer.Records.Where(
                r => r.Observer == observer && r.Subject != observer
                    && allowed.Contains(r.Subject)));
        }

        return new Reachability(records.ToImmutable(), versions.ToImmutable());
    }

    private Reachability Change(
        UniqueAddress observer, UniqueAddress subject, ReachabilityStatus status)
    {
        var version = VersionOf(observer) + 1;
        var old = Records.FirstOrDefault(r => r.Observer == observer && r.Subject == subject);
        if (old is null && status == ReachabilityStatus.Reachable) return this;
        if (old?.Status == status || old?.Status == ReachabilityStatus.Terminated) return this;

        var versions = Versions.SetItem(observer, version);
        var records = old is null ? Records : Records.Remove(old);
        var hasOthers = records.Any(r =>
            r.Observer == observer && r.Status != ReachabilityStatus.Reachable);
        if (status == ReachabilityStatus.Reachable && !hasOthers)
        {
            // All is well again: the observer's records end, its version tells the others.
            return new Reachability(records.RemoveAll(r => r.Observer == observer), versions);
        }

        return new Reachability(
            records.Add(new ReachabilityRecord(observer, subject, status, version)), versions);
    }

    public bool Equals(Reachability? other) =>
        other is not null && Records.Length == other.Records.Length
        && Versions.SequenceEqual(other.Versions) && Records.All(other.Records.Contains);

    public override bool Equals(object? obj) => Equals(obj as Reachability);

    public override int GetHashCode() => HashCode.Combine(Records.Length, Versions.Count);

    public override string ToString() => string.Join(
        ", ", Records.Select(r => $"{r.Observer.Address} -> {r.Subject.Address}: {r.Status}"));
}
