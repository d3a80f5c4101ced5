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

/// <summary>All that one observer says.</summary>
/// <param name="Version">Counts its changes.</param>
internal sealed record ObserverRow(
    UniqueAddress Observer, long Version, ImmutableArray<ReachabilityRecord> Records)
{
    public bool IsSameAs(ObserverRow other) => ReferenceEquals(this, other)
        || (Observer == other.Observer && Version == other.Version
            && (Records == other.Records || Records.SequenceEqual(other.Records)));

    public ReachabilityRecord? About(UniqueAddress subject)
    {
        foreach (var record in Records)
        {
            if (record.Subject == subject) return record;
        }

        return null;
    }

    public ObserverRow Keeping(Predicate<ReachabilityRecord> isKept)
    {
        var kept = Records.RemoveAll(record => !isKept(record));
        return kept == Records ? this : this with { Records = kept };
    }
}

/// <summary>
/// The table of who finds whom unreachable. A subject without records is reachable.
/// </summary>
/// <remarks>
/// Each observer owns its row and counts its changes; merging takes, per observer, the row with
/// the higher count. Terminated (a newer incarnation was seen) is never taken back.
/// </remarks>
internal sealed class Reachability : IEquatable<Reachability>
{
    public static readonly Reachability Empty = new([]);

    private static readonly Func<ObserverRow, UniqueAddress> NodeOf = row => row.Observer;

    /// <summary>The worst that anybody says of a subject; made when it is asked for.</summary>
    private Dictionary<UniqueAddress, ReachabilityStatus>? _worst;
    private ImmutableHashSet<UniqueAddress>? _notReachable;

    /// <param name="rows">Sorted by observer.</param>
    public Reachability(ImmutableArray<ObserverRow> rows) => Rows = rows;

    public ImmutableArray<ObserverRow> Rows { get; }

    public IEnumerable<ReachabilityRecord> Records => Rows.SelectMany(row => row.Records);

    public bool IsAllReachable => Worst.Count == 0; // No records at all.

    public IEnumerable<UniqueAddress> AllObservers =>
        Rows.Where(row => !row.Records.IsEmpty).Select(row => row.Observer);

    /// <summary>
    /// Subjects that at least one observer finds unreachable and none terminated.
    /// </summary>
    public ImmutableHashSet<UniqueAddress> AllUnreachable =>
        Worst.Where(pair => pair.Value == ReachabilityStatus.Unreachable)
            .Select(pair => pair.Key).ToImmutableHashSet();

    public ImmutableHashSet<UniqueAddress> AllUnreachableOrTerminated =>
        _notReachable ??= Worst.Where(pair => pair.Value != ReachabilityStatus.Reachable)
            .Select(pair => pair.Key).ToImmutableHashSet();

    private Dictionary<UniqueAddress, ReachabilityStatus> Worst
    {
        get
        {
            if (_worst is not null) return _worst;
            var worst = new Dictionary<UniqueAddress, ReachabilityStatus>();
            foreach (var row in Rows)
            {
                foreach (var record in row.Records)
                {
                    if (record.Status >= worst.GetValueOrDefault(record.Subject))
                        worst[record.Subject] = record.Status;
                }
            }

            return _worst = worst;
        }
    }

    public Reachability Unreachable(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Unreachable);

    public Reachability Reachable(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Reachable);

    public Reachability Terminated(UniqueAddress observer, UniqueAddress subject) =>
        Change(observer, subject, ReachabilityStatus.Terminated);

    public ReachabilityStatus Status(UniqueAddress observer, UniqueAddress subject) =>
        RowOf(observer)?.About(subject)?.Status ?? ReachabilityStatus.Reachable;

    public ReachabilityStatus Status(UniqueAddress subject) => Worst.GetValueOrDefault(subject);

    public bool IsReachable(UniqueAddress subject) =>
        Status(subject) == ReachabilityStatus.Reachable;

    public bool IsReachable(UniqueAddress observer, UniqueAddress subject) =>
        Status(observer, subject) == ReachabilityStatus.Reachable;

    public ImmutableHashSet<UniqueAddress> AllUnreachableFrom(UniqueAddress observer) =>
        [.. (RowOf(observer)?.Records ?? [])
            .Where(record => record.Status == ReachabilityStatus.Unreachable)
            .Select(record => record.Subject)];

    public long VersionOf(UniqueAddress observer) => RowOf(observer)?.Version ?? 0;

    public ObserverRow? RowOf(UniqueAddress observer)
    {
        var index = SortedByNode.IndexOf(Rows.AsSpan(), NodeOf, observer);
        return index < 0 ? null : Rows[index];
    }

    /// <summary>Forgets removed nodes, both as observers and as subjects.</summary>
    public Reachability Remove(ImmutableHashSet<UniqueAddress> nodes) => With(
        [
            .. Rows.Where(row => !nodes.Contains(row.Observer))
                .Select(row => row.Keeping(record => !nodes.Contains(record.Subject))),
        ]);

    public Reachability RemoveObservers(ImmutableHashSet<UniqueAddress> observers) =>
        observers.IsEmpty ? this : FilterRecords(record => !observers.Contains(record.Observer));

    public Reachability FilterRecords(Predicate<ReachabilityRecord> isKept) =>
        With([.. Rows.Select(row => row.Keeping(isKept))]);

    /// <summary>Per observer the newer row, restricted to the nodes that are allowed.</summary>
    public Reachability Merge(Predicate<UniqueAddress> isAllowed, Reachability other) => With(
        SortedByNode.Merge(Rows.AsSpan(), other.Rows.AsSpan(), NodeOf, (mine, theirs) =>
        {
            var newer = (mine?.Version ?? -1) >= (theirs?.Version ?? -1) ? mine! : theirs!;
            return isAllowed(newer.Observer)
                ? newer.Keeping(record =>
                    record.Subject != record.Observer && isAllowed(record.Subject))
                : null;
        }));

    /// <summary>The rows that lead from here to 'now', and the observers that are gone.</summary>
    public (ImmutableArray<ObserverRow> Set, ImmutableArray<UniqueAddress> Removed) DifferenceTo(
        Reachability now) => SortedByNode.Difference(
            Rows.AsSpan(), now.Rows.AsSpan(), NodeOf, (one, other) => one.IsSameAs(other));

    public Reachability With(
        ImmutableArray<ObserverRow> set, ImmutableArray<UniqueAddress> removed) =>
        set.IsEmpty && removed.IsEmpty
            ? this
            : new Reachability(SortedByNode.Apply(
                Rows.AsSpan(), set.AsSpan(), removed.AsSpan(), NodeOf));

    private Reachability With(ImmutableArray<ObserverRow> rows)
    {
        var isSame = rows.Length == Rows.Length;
        for (var i = 0; i < rows.Length && isSame; i++)
            isSame = ReferenceEquals(rows[i], Rows[i]);
        return isSame ? this : new Reachability(rows);
    }

    private Reachability Change(
        UniqueAddress observer, UniqueAddress subject, ReachabilityStatus status)
    {
        var row = RowOf(observer) ?? new ObserverRow(observer, 0, []);
        var old = row.About(subject);
        if (old is null && status == ReachabilityStatus.Reachable) return this;
        if (old?.Status == status || old?.Status == ReachabilityStatus.Terminated) return this;

        var version = row.Version + 1;
        var records = old is null ? row.Records : row.Records.Remove(old);
        var hasOthers = records.Any(record => record.Status != ReachabilityStatus.Reachable);
        // All is well again: the observer's records end, its version tells the others.
        records = status == ReachabilityStatus.Reachable && !hasOthers
            ? []
            : records.Add(new ReachabilityRecord(observer, subject, status, version));
        return With([new ObserverRow(observer, version, records)], []);
    }

    public bool Equals(Reachability? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || Rows.Length != other.Rows.Length) return false;
        for (var i = 0; i < Rows.Length; i++)
        {
            if (!Rows[i].IsSameAs(other.Rows[i])) return false;
        }

        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as Reachability);

    public override int GetHashCode() => Rows.Length;

    public override string ToString() => string.Join(
        ", ", Records.Select(r => $"{r.Observer.Address} -> {r.Subject.Address}: {r.Status}"));
}
