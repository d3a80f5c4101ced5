using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>Measures what this host has to do. Not for several threads at once.</summary>
/// <remarks>
/// The processor's time is the process's own: packet threads and the control plane. Kernel
/// extensions work in the time of whoever sends.
/// </remarks>
public sealed class HostLoadMeter(
    TimeProvider clock, Func<ImmutableArray<IDatapathProvider>> datapaths)
{
    private long _at = clock.GetTimestamp();
    private TimeSpan _used = Environment.CpuUsage.TotalTime;

    /// <summary>The load since the call before, or since this was made.</summary>
    public HostLoad Read()
    {
        var (at, used) = (clock.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var passed = clock.GetElapsedTime(_at, at);
        var percent = passed > TimeSpan.Zero ? (long)(100 * ((used - _used) / passed)) : 0;
        (_at, _used) = (at, used);
        var (ports, flows) = (0L, 0L);
        foreach (var datapath in datapaths())
        {
            ports += datapath.Ports.Dump().Length;
            flows += (long)datapath.Statistics().Flows;
        }

        return new HostLoad(ports, flows, Math.Max(0, percent), Environment.WorkingSet);
    }
}
