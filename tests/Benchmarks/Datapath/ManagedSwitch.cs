using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>The managed datapath in this process, between the devices l0 and r0.</summary>
internal static partial class ManagedSwitch
{
    private const int NewNetwork = 0x4000_0000;

    /// <summary>Starts it inside a namespace; its threads stay there.</summary>
    public static UserspaceDatapath Start(string name)
    {
        UserspaceDatapath? datapath = null;
        string? failure = null;
        RunIn(name, () =>
        {
            datapath = new UserspaceDatapath { UpcallHandler = new CrossConnect() };
            foreach (var device in new[] { "l0", "r0" })
            {
                var spec = new DatapathPortSpec(device, DatapathPortKind.System);
                if (!datapath.Ports.TryAdd(spec, out _, out var error)) failure = error;
            }
        });
        return failure is null ? datapath! : throw new InvalidOperationException(failure);
    }

    /// <summary>iperf3 gives up at once when its first packets are lost: try again then.</summary>
    public static double TcpGigabits(
        Lab lab, string left, string right, string address, int seconds)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return lab.TcpGigabits(left, right, address, seconds);
            }
            catch (KeyNotFoundException) when (attempt < 3)
            {
            }
        }
    }

    /// <summary>Runs 'body' on a thread whose network is the namespace.</summary>
    public static void RunIn(string name, Action body)
    {
        var result = 0;
        var thread = new Thread(() =>
        {
            using var file = File.OpenHandle($"/run/netns/{name}");
            result = SetNamespace((int)file.DangerousGetHandle(), NewNetwork);
            if (result == 0) body();
        });
        thread.Start();
        thread.Join();
        if (result != 0) throw new BenchmarkSkippedException($"cannot enter {name}: needs root");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);

    /// <summary>A megaflow per direction, as learning switches make them.</summary>
    private sealed class CrossConnect : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            mask.EthernetSource = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
            mask.EthernetDestination = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
            return new UpcallVerdict([new OutputAction(key.InPort == 1 ? 2u : 1u)], Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
