using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Akka.Cluster;
using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>One thing that happens to a large fleet, and what it cost.</summary>
/// <param name="Converged">Simulated time until every host agreed; null: it did not.</param>
/// <param name="BytesPerHost">Sent by the average host in each simulated second.</param>
/// <param name="BytesPeak">Sent by the busiest host in its busiest second.</param>
/// <param name="Took">Processor time of this process.</param>
internal sealed record ScaleStep(
    string Name, TimeSpan? Converged, double BytesPerHost, long BytesPeak, TimeSpan Took)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name,-42} {(Converged is { } time ? $"{time.TotalSeconds,8:F1} s" : "   never  ")} "
        + $"{BytesPerHost / 1024,10:F1} KiB/s {BytesPeak / 1024.0,10:F1} KiB/s "
        + $"{Took.TotalSeconds,8:F1} s");
}

/// <summary>A large fleet: it forms, a host joins, leaves, crashes; all of it restarts.</summary>
/// <remarks>
/// Converged means that every host sees every other one as Up and nobody else, knows all VTEPs and
/// knows where each port is. Hosts have both actor systems and all rooms that have to do with the
/// cluster; the rows of N times N tunnels are left out.
/// </remarks>
internal sealed class ScaleRun : IDisposable
{
    private const int PortsPerHost = 10;

    /// <summary>How many hosts of a rolling restart are away at a time.</summary>
    private double RollingShare => _hosts > 200 ? 0.2 : 0.05;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    /// <summary>What a host node that is told to stop waits for, before it ends.</summary>
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly SimulatedFleet _fleet;
    private readonly Action<ScaleStep> _done;
    private readonly SortedSet<int> _present = [];
    private readonly Dictionary<string, long> _sent = [];
    private readonly int _hosts;
    private long _second;
    private long _peak;
    private long _bytes;

    /// <param name="traffic">Counts what is said, for a run that is looked into.</param>
    public ScaleRun(
        int hosts, int seed, Action<ScaleStep> done, ScaleTraffic? traffic = null)
    {
        _hosts = hosts;
        _done = done;
        _fleet = new SimulatedFleet(
            hosts + 1, seed, FailureTimes.Default, voters: 5, hasSwitches: false)
        {
            IsCheckedAlways = false,
        };
        _fleet.Network.Delivered = (from, to, frame) =>
        {
            Count(from.Host!, frame.Length);
            traffic?.Count(from, to, frame);
        };
    }

    /// <summary>Runs all steps; false when one did not converge.</summary>
    public bool Run()
    {
        var isWhole = Step($"{_hosts} hosts join, {_hosts * PortsPerHost} ports", () =>
        {
            for (var i = 1; i <= _hosts; i++)
            {
                StartHost(i);
                if (i % 10 == 0) _fleet.RunFor(TimeSpan.FromMilliseconds(100));
            }
        });
        isWhole &= Quiet();
        isWhole &= Step("a host joins", () => StartHost(_hosts + 1));
        isWhole &= Step("a host leaves", () => Leave(_hosts / 2));
        isWhole &= Step("a host crashes", () => Crash(_hosts / 3));
        isWhole &= Step("the first host (the writer's) crashes", () => Crash(1));
        isWhole &= Step("rolling restart of all", RollingRestart);
        return isWhole && Quiet();
    }

    public void Dispose() => _fleet.Dispose();

    private bool Step(string name, Action act)
    {
        var (started, processor) = (_fleet.Clock.Elapsed, ProcessorTime());
        (_bytes, _peak) = (0, 0);
        act();
        var acted = _fleet.Clock.Elapsed;
        var problem = Wait(acted + Patience);
        var took = _fleet.Clock.Elapsed - started;
        _done(new ScaleStep(
            problem is null ? name : $"{name}: {problem}", problem is null ? took : null,
            _bytes / Math.Max(1, took.TotalSeconds) / _present.Count, _peak,
            ProcessorTime() - processor));
        return problem is null;
    }

    /// <summary>Until all agree, or until then at most.</summary>
    private string? Wait(TimeSpan until)
    {
        while (true)
        {
            var problem = Problem();
            if (problem is null || _fleet.Clock.Elapsed >= until) return problem;
            _fleet.RunFor(Poll);
        }
    }

    /// <summary>Seconds of the clock say little of a machine that does other things too.</summary>
    private static TimeSpan ProcessorTime() => Process.GetCurrentProcess().TotalProcessorTime;

    /// <summary>What the fleet costs while nothing happens.</summary>
    private bool Quiet() => Step("30 quiet seconds", () => _fleet.RunFor(TimeSpan.FromSeconds(30)));

    private void StartHost(int index)
    {
        var node = _fleet.Node(index);
        node.Start("h1:2552", "h2:2552", "h3:2552");
        _present.Add(index);
        _fleet.RunFor(TimeSpan.Zero); // Its rooms are there.
        var first = (index - 1) * PortsPerHost;
        node.Tell("cluster", new PublishVteps(node.Id,
            [
                new Vtep(
                    node.Id, node.Id, "geneve", IPAddress.Parse(node.VtepAddress),
                    ImmutableSortedDictionary<string, string>.Empty),
            ]));
        node.Tell("cluster", new ClaimPorts(
            [.. Enumerable.Range(first, PortsPerHost).Select(port => $"port{port:D5}")]));
    }

    private void Leave(int index)
    {
        var node = _fleet.Node(index);
        node.Tell("cluster", new QueryCluster("leave", [node.Id], false));
        _present.Remove(index);
        _fleet.RunFor(TimeSpan.FromSeconds(5));
        _fleet.Crash(node);
    }

    private void Crash(int index)
    {
        _fleet.Crash(_fleet.Node(index));
        _present.Remove(index);
    }

    /// <summary>Batch after batch is stopped and started, as an operator would do it.</summary>
    private void RollingRestart()
    {
        foreach (var batch in _present.ToList().Chunk(Math.Max(1, (int)(_hosts * RollingShare))))
        {
            Stop(batch);
            foreach (var index in batch) StartHost(index);
            if (Wait(_fleet.Clock.Elapsed + Patience) is not null) return;
        }
    }

    private void Stop(int[] batch)
    {
        var end = _fleet.Clock.Elapsed + LeavePatience;
        foreach (var index in batch) _fleet.Node(index).Stop();
        var leaving = batch.ToList();
        while (leaving.Count > 0)
        {
            _fleet.RunFor(TimeSpan.FromMilliseconds(100));
            foreach (var index in leaving.Where(
                index => _fleet.Node(index).HasLeft || _fleet.Clock.Elapsed >= end).ToList())
            {
                leaving.Remove(index);
                Crash(index);
            }
        }
    }

    /// <returns>Null, or what one host still lacks.</returns>
    private string? Problem()
    {
        foreach (var index in _present)
        {
            var node = _fleet.Node(index);
            if (node.Membership is not { } cluster || node.Observer is not { } observer)
                return $"{node.Id} has not started";
            var state = cluster.State;
            if (state.Members.Count != _present.Count || !state.Unreachable.IsEmpty
                || state.Members.Any(member => member.Status != MemberStatus.Up))
            {
                var counts = state.Members.CountBy(member => member.Status)
                    .Select(pair => $"{pair.Value} {pair.Key}");
                return $"{node.Id} sees {string.Join(", ", counts)}, "
                    + $"{state.Unreachable.Count} unreachable, of {_present.Count}";
            }

            if (observer.Vteps?.Vteps.Count != _present.Count)
                return $"{node.Id} knows {observer.Vteps?.Vteps.Count} VTEPs";
            if (observer.Locations?.Locations.Count != _present.Count * PortsPerHost)
                return $"{node.Id} knows {observer.Locations?.Locations.Count} ports";
        }

        return null;
    }

    private void Count(string host, int bytes)
    {
        var second = (long)_fleet.Clock.Elapsed.TotalSeconds;
        if (second != _second)
        {
            _peak = Math.Max(_peak, _sent.Values.DefaultIfEmpty().Max());
            _sent.Clear();
            _second = second;
        }

        _bytes += bytes;
        _sent[host] = _sent.GetValueOrDefault(host) + bytes;
    }
}
