using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Two ports, a third device, and the loaded programs to run by themselves.</summary>
internal sealed unsafe class ProgramLab : IDisposable
{
    private readonly NamespaceScope _scope = new();

    public ProgramLab()
    {
        foreach (var name in (string[])["p1", "p2", "o"])
        {
            NetworkNamespace.Shell(
                $"ip link add {name} type veth peer name {name}x; ip link set {name} up");
        }

        NetworkNamespace.Shell("ip addr add 172.31.0.1/24 dev o");
        Assert.True(
            EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error),
            error);
        Datapath = datapath!;
        foreach (var name in (string[])["p1", "p2"])
        {
            Assert.True(Datapath.Ports.TryAdd(
                new DatapathPortSpec(name, DatapathPortKind.System), out _, out error), error);
        }
    }

    public EbpfDatapath Datapath { get; }
    public KernelObject Kernel => Datapath.Kernel;
    public int OtherDevice => NetworkDevice.Read("o")!.Index;
    public int DeviceOf(uint port) => Datapath.PortsOf.Find(port)!.Device;

    /// <summary>How often the programs dropped for a reason; the host node's drops aside.</summary>
    public ulong Dropped(DropReason reason) =>
        Sum(KernelAbi.CounterFirstDrop + (int)reason);

    /// <summary>Packets that found no flow, or whose headers lie too deep.</summary>
    public ulong Missed => Sum(1);

    private ulong Sum(int counter)
    {
        ulong sum = 0;
        for (var slot = 0; slot < KernelAbi.CounterCpus; slot++)
        {
            sum += Kernel.Counters[slot][counter];
        }

        return sum;
    }

    /// <summary>Port 3.</summary>
    public void AddTunnel(TunnelKind kind = TunnelKind.Vxlan, ushort port = 4789) =>
        Assert.True(Datapath.Ports.TryAdd(
            new DatapathPortSpec(
                "tunnel", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)),
            out _, out var error), error);

    public void Put(
        string flow, string actions, FlowPutResult expected = FlowPutResult.Added)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        var list = ImmutableArray<DatapathAction>.Empty;
        Assert.True(
            actions.Length == 0 || OdpActionText.TryParse(actions, null, out list, out error),
            error);
        mask.RecirculationIdWire = uint.MaxValue;
        Assert.Equal(expected, Datapath.Flows.Put(key, mask, list));
    }

    /// <summary>Runs a program once, on this processor.</summary>
    /// <param name="device">The packet's interface index.</param>
    public (int Verdict, byte[] Frame) Run(
        int program, byte[] frame, int device, uint mark = 0)
    {
        Assert.True(TryRun(program, frame, device, mark, out var verdict, out var result));
        return (verdict, result);
    }

    /// <summary>A frame comes in by a port.</summary>
    public (int Verdict, byte[] Frame) Enter(uint port, byte[] frame) =>
        Run(Kernel.PortProgram, frame, DeviceOf(port));

    /// <summary>The far end of the first port.</summary>
    public DevicePeer OpenPeer()
    {
        NetworkNamespace.Shell("ip link set p1x up");
        Assert.True(DeviceLab.Eventually(() => NetworkDevice.Read("p1") is { IsLinkUp: true }));
        return new DevicePeer("p1x");
    }

    /// <summary>False: newer kernels test no IP packets without a whole IP header.</summary>
    public bool TryRun(
        int program, byte[] frame, int device, uint mark, out int verdict, out byte[] result)
    {
        const int ContextSize = 192, MarkAt = 8, DeviceAt = 40;

        var context = stackalloc byte[ContextSize];
        new Span<byte>(context, ContextSize).Clear();
        *(uint*)(context + MarkAt) = mark;
        *(int*)(context + DeviceAt) = device;
        var output = new byte[frame.Length + 256];
        fixed (byte* input = frame)
        fixed (byte* to = output)
        {
            var options = new LibBpf.TestRunOptions
            {
                Size = (nuint)sizeof(LibBpf.TestRunOptions),
                DataIn = input,
                DataInSize = (uint)frame.Length,
                DataOut = to,
                DataOutSize = (uint)output.Length,
                ContextIn = context,
                ContextInSize = ContextSize,
                Repeat = 1,
            };
            var error = LibBpf.TestRun(program, &options);
            (verdict, result) = ((int)options.Result, output[..(int)options.DataOutSize]);
            if (error == 0) return true;
            Assert.True(error == -22 && frame.Length < 54, $"{error}");
            return false;
        }
    }

    public void Dispose()
    {
        Datapath.Dispose();
        _scope.Dispose();
    }
}
