using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Each program by itself: a frame in, a verdict and a frame out.</summary>
/// <remarks>
/// Goal: what a program decides, without devices and processes in between. Method:
/// BPF_PROG_TEST_RUN of the loaded programs, with flows, scratch memory and executions written into
/// the maps as the program before would leave them. The programs that a tail call reaches run too,
/// until a verdict falls.
/// </remarks>
public sealed unsafe class EbpfProgramTests
{
    private const int Pass = 0, Drop = 2, Redirect = 7;

    private static readonly byte[] Frame = TestPacket.Udp("10.0.0.1", 1000, "10.0.0.2", 53, 20);

    [EbpfTheory]
    [InlineData("2", Redirect, "")]
    [InlineData("set(ipv4(ttl=9)),2", Redirect, "ttl")]
    [InlineData("push_vlan(vid=5,pcp=0),pop_vlan,2", Redirect, "")]
    [InlineData("", Drop, "")]
    [InlineData("9", Drop, "")] // No such port.
    [InlineData("ct(commit,zone=4),2", Redirect, "")]
    [InlineData("hash(l4(0)),2", Redirect, "")]
    [InlineData("meter(7),2", Redirect, "")]
    [InlineData("ct(zone=4),recirc(0x9)", Drop, "")] // Goes up, where nobody listens.
    public void Port_program_follows_the_flow(string actions, int verdict, string changed)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1)", actions);
        var (result, bytes) = lab.Run(lab.Kernel.PortProgram, Frame, lab.DeviceOf(1));
        Assert.Equal(verdict, result);
        var expected = (byte[])Frame.Clone();
        if (changed == "ttl")
        {
            expected[22] = 9;
            expected[24] = expected[25] = 0;
            var sum = InternetChecksum.ComputeWire(expected.AsSpan(14, 20));
            BitConverter.TryWriteBytes(expected.AsSpan(24), sum);
        }

        if (verdict == Redirect) Assert.Equal(expected, bytes);
        Assert.Equal(1ul, lab.Datapath.Statistics().Hit);
    }

    [EbpfTheory]
    [InlineData(1, Drop)] // A miss: it went up instead.
    [InlineData(0, Pass)] // Not a port: none of our business.
    public void Port_program_without_a_flow(int port, int verdict)
    {
        using var lab = new ProgramLab();
        var device = port == 0 ? lab.OtherDevice : lab.DeviceOf((uint)port);
        var (result, bytes) = lab.Run(lab.Kernel.PortProgram, Frame, device);
        Assert.Equal(verdict, result);
        Assert.Equal(Frame, bytes);
        Assert.Equal((ulong)port, lab.Datapath.Statistics().Missed);
    }

    [EbpfTheory]
    [InlineData(0x42)] // An IP header of 8 bytes.
    [InlineData(0x4F)] // One of 60 bytes, beyond the packet.
    public void Port_program_judges_a_malformed_header_as_the_managed_parser_does(byte first)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=17,frag=no)", "2");
        var frame = (byte[])Frame.Clone();
        frame[14] = first;
        FlowKey key = default;
        var isTaken = FlowKeyExtractor.TryExtract(frame, ref key, out var reason);
        var (result, _) = lab.Run(lab.Kernel.PortProgram, frame, lab.DeviceOf(1));
        Assert.Equal(Drop, result);
        Assert.Equal(0ul, lab.Datapath.Statistics().Hit);
        if (!isTaken) Assert.Equal(1ul, lab.Datapath.DropCounts()[(int)reason]);
        Assert.Equal(isTaken ? 1ul : 0, lab.Datapath.Statistics().Missed);
    }

    [EbpfTheory]
    [InlineData(0u)]
    [InlineData(77u)]
    public void Inject_program_drops_what_names_no_execution(uint mark)
    {
        using var lab = new ProgramLab();
        var (result, _) = lab.Run(lab.Kernel.InjectProgram, Frame, lab.OtherDevice, mark);
        Assert.Equal(Drop, result);
    }

    [EbpfTheory]
    [InlineData(1u)]
    public void Inject_program_runs_the_row_of_its_execution(uint mark)
    {
        using var lab = new ProgramLab();
        ref var row = ref lab.Kernel.Rows[1];
        row.Steps[0] = new KernelStep { Kind = StepKind.DecrementTtl };
        row.Steps[1] = new KernelStep { Kind = StepKind.Output, A = 1, C = 2 };
        lab.Kernel.Executions[0].Row = 1;
        var (result, bytes) = lab.Run(lab.Kernel.InjectProgram, Frame, lab.OtherDevice, mark);
        Assert.Equal(Redirect, result);
        Assert.Equal(Frame[22] - 1, bytes[22]);
        Assert.True(TestPacket.IsSound(bytes));
    }

    /// <summary>
    /// Programs that only others call: alone they find scratch memory of a packet that has no row,
    /// specification or tunnel, and drop.
    /// </summary>
    [EbpfTheory]
    [InlineData(Drop)]
    public void A_program_that_nothing_led_to_drops(int verdict)
    {
        string[] names =
        [
            "lookup", "actions", "create", "conntrack", "related", "tunnel", "upcall", "measure",
        ];
        using var lab = new ProgramLab();
        foreach (var name in names)
        {
            var (result, _) = lab.Run(lab.Kernel.ProgramOf(name), Frame, lab.OtherDevice);
            Assert.True(result == verdict, $"{name}: {result}");
        }
    }
}
