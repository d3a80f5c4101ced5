using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>What is kept up by differences is what follows from all reports at once.</summary>
public sealed class LiveReportsTests
{
    private static readonly ImmutableArray<string> Hosts =
        [.. Enumerable.Range(1, 8).Select(index => $"h{index}")];

    /// <remarks>Method: 5,000 random steps; after each, all is found out from the start.</remarks>
    [Fact]
    public void Steps_lead_to_what_all_reports_say()
    {
        var random = new Random(7);
        var live = new LiveReports();
        var said = new SortedDictionary<string, HostReport>(StringComparer.Ordinal);
        var alive = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
        for (var i = 0; i < 5_000; i++)
        {
            var host = Hosts[random.Next(Hosts.Length)];
            var step = random.Next(10);
            if (step < 2) alive = alive.Contains(host) ? alive.Remove(host) : alive.Add(host);
            else if (step == 2) said.Remove(host);
            else said[host] = Report(host, i, random);
            if (step < 2) live.SetAlive(alive);
            else live.Say(host, said.GetValueOrDefault(host));

            Assert.Equal(HostReportRules.Elect(said.Values, alive), live.Elected);
            Assert.Equal(
                alive.Select(one => (one, said.GetValueOrDefault(one)?.Applied ?? 0)),
                live.Applied.Select(pair => (pair.Key, pair.Value)));
            Assert.Equal(
                said.Values.Where(one => one.Load is not null && alive.Contains(one.HostId))
                    .Select(one => (one.HostId, one.Load!)),
                live.Loads.Select(pair => (pair.Key, pair.Value)));
        }
    }

    [Fact]
    public void What_did_not_change_is_the_same_object()
    {
        var live = new LiveReports();
        live.SetAlive([.. Hosts]);
        live.Say("h1", Report("h1", 1, new Random(1)) with { Applied = 5 });
        var (elected, applied, loads) = (live.Elected, live.Applied, live.Loads);

        live.SetAlive([.. Hosts]);
        live.Say("h2", HostReport.EmptyOf("h2"));

        Assert.Same(elected, live.Elected);
        Assert.Same(applied, live.Applied);
        Assert.Same(loads, live.Loads);
    }

    private static HostReport Report(string host, long version, Random random)
    {
        var votes = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
        for (var port = 0; port < random.Next(3); port++)
            votes = votes.SetItem($"cr-{port}", Hosts[random.Next(Hosts.Length)]);
        var load = random.Next(3) == 0 ? null : new HostLoad(random.Next(4), 0, 0, 0);
        return new HostReport(host, version, load, votes) { Applied = random.Next(4) };
    }
}
