using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>What one host does and wants, by gossip. Only that host writes it.</summary>
/// <param name="Votes">Host id by distributed gateway port.</param>
public sealed record HostReport(
    string HostId, long Version, HostLoad? Load, ImmutableSortedDictionary<string, string> Votes)
    : IGossipedRecord
{
    /// <summary>NB_Global.nb_cfg whose flows are installed there.</summary>
    public long Applied { get; init; }

    public IGossipedRecord At(long version) => this with { Version = version };

    public static HostReport EmptyOf(string host) =>
        new(host, 0, null, Ordinal.EmptyMap<string>());
}

/// <summary>The bytes of reports, version 1.</summary>
/// <remarks>
/// 1 host, 2 version, 3 votes (1 port, 2 host), 4 load (1 ports, 2 flows, 3 CPU, 4 memory),
/// 5 nb_cfg installed, if any is.
/// </remarks>
public static class HostReportCodec
{
    public const string Manifest = "host.report.1";

    public static byte[] Write(HostReport report)
    {
        var to = new FieldWriter().Text(1, report.HostId).Number(2, report.Version)
            .Map(3, report.Votes);
        if (report.Load is { } load)
        {
            to.Item(4, new FieldWriter().Number(1, load.PortCount).Number(2, load.FlowCount)
                .Number(3, load.CpuPercent).Number(4, load.MemoryBytes));
        }

        if (report.Applied > 0) to.Number(5, report.Applied);
        return to.ToArray();
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out HostReport report)
    {
        var (host, version, applied) = ("", 0L, 0L);
        HostLoad? load = null;
        var votes = Ordinal.EmptyMap<string>().ToBuilder();
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: version = reader.Number; break;
                case 3:
                    var vote = reader.Pair();
                    votes[vote.Key] = vote.Value;
                    break;
                case 4: load = ReadLoad(ref reader); break;
                case 5: applied = reader.Number; break;
            }
        }

        report = new HostReport(host, version, load, votes.ToImmutable()) { Applied = applied };
        return !reader.IsMalformed;
    }

    private static HostLoad ReadLoad(ref FieldReader outer)
    {
        Span<long> figures = stackalloc long[4];
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field is >= 1 and <= 4) figures[reader.Field - 1] = reader.Number;
        }

        if (reader.IsMalformed) outer.Fail();
        return new HostLoad(figures[0], figures[1], figures[2], figures[3]);
    }
}

/// <summary>What follows from the reports of all hosts.</summary>
public static class HostReportRules
{
    /// <summary>For each port the host with most votes; of several the lowest id.</summary>
    public static ImmutableSortedDictionary<string, string> Elect(
        IEnumerable<HostReport> reports, ImmutableSortedSet<string> alive)
    {
        var votes = reports.Where(report => alive.Contains(report.HostId))
            .SelectMany(report => report.Votes).Where(vote => alive.Contains(vote.Value));
        return votes.GroupBy(vote => vote.Key, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(
                port => port.Key,
                port => port.GroupBy(vote => vote.Value, StringComparer.Ordinal)
                    .OrderByDescending(candidate => candidate.Count())
                    .ThenBy(candidate => candidate.Key, StringComparer.Ordinal).First().Key,
                StringComparer.Ordinal);
    }

    /// <summary>A load is told anew when a figure has changed by more than a tenth.</summary>
    /// <remarks>A thousand hosts that tell every flicker would keep gossip busy.</remarks>
    public static bool IsWorthTelling(HostLoad? told, HostLoad now) => told is null
        || Differs(told.PortCount, now.PortCount, 0)
        || Differs(told.FlowCount, now.FlowCount, 100)
        || Differs(told.CpuPercent, now.CpuPercent, 10)
        || Differs(told.MemoryBytes, now.MemoryBytes, 16 * 1024 * 1024);

    private static bool Differs(long one, long other, long least) =>
        Math.Abs(one - other) > Math.Max(least, one / 10);
}
