using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>What follows from the gossiped reports of hosts that membership calls alive.</summary>
/// <remarks>
/// Kept up by differences: of a thousand hosts only those that changed are looked at. Each of its
/// maps is the same object while nothing in it changes.
/// </remarks>
public sealed class LiveReports
{
    private readonly Dictionary<string, HostReport> _said = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, HostReport> _voting = new(StringComparer.Ordinal);
    private ImmutableSortedSet<string> _alive = Ordinal.Empty<string>();
    private ImmutableSortedDictionary<string, string> _elected = Ordinal.EmptyMap<string>();
    private bool _isElectionDue;

    /// <summary>NB_Global.nb_cfg that each has installed; 0: not told yet.</summary>
    public ImmutableSortedDictionary<string, long> Applied { get; private set; } =
        Ordinal.EmptyMap<long>();

    public ImmutableSortedDictionary<string, HostLoad> Loads { get; private set; } =
        Ordinal.EmptyMap<HostLoad>();

    /// <summary>As <see cref="HostReportRules.Elect"/> says.</summary>
    public ImmutableSortedDictionary<string, string> Elected
    {
        get
        {
            if (!_isElectionDue) return _elected;
            _isElectionDue = false;
            var elected = HostReportRules.Elect(_voting.Values, _alive);
            if (!elected.SequenceEqual(_elected)) _elected = elected;
            return _elected;
        }
    }

    /// <summary>Takes what a host reports, or that it says nothing any more.</summary>
    public void Say(string host, HostReport? report)
    {
        _isElectionDue |= _voting.Remove(host) || report is { Votes.IsEmpty: false };
        if (report is null) _said.Remove(host);
        else _said[host] = report;
        if (report is { Votes.IsEmpty: false }) _voting[host] = report;
        if (_alive.Contains(host)) Show(host);
    }

    public void SetAlive(ImmutableSortedSet<string> alive)
    {
        var (come, gone) = HostSets.Difference(_alive, alive);
        _alive = alive;
        _isElectionDue |= _voting.Count > 0 && come.Count + gone.Count > 0;
        Applied = Applied.RemoveRange(gone);
        Loads = Loads.RemoveRange(gone);
        foreach (var host in come) Show(host);
    }

    private void Show(string host)
    {
        var report = _said.GetValueOrDefault(host);
        Applied = Applied.SetItem(host, report?.Applied ?? 0);
        Loads = report?.Load is { } load ? Loads.SetItem(host, load) : Loads.Remove(host);
    }
}
