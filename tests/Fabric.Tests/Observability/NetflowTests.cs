using System.Buffers.Binary;
using Fabric.Observability;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Tests.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Observability;

public sealed class NetflowTests : SwitchWorld
{
    private const long Idle = 10_000;

    private static readonly NetflowKey Key = new(1, 0x0A000001, 0x0A000002, 17, 0, 5, 6);

    private readonly NetflowTable _table = new();

    [Fact]
    public void A_flow_is_told_when_it_was_idle_for_long_enough()
    {
        Count(output: 2, now: 1000);
        Count(output: 2, now: 4000);

        Assert.Empty(_table.TakeDone(13_999, Idle, active: null));
        var flow = Assert.Single(_table.TakeDone(14_000, Idle, active: null));
        Assert.Equal((2UL, 200UL, 1000L, 4000L), (flow.Packets, flow.Bytes, flow.First, flow.Last));
        Assert.Empty(_table.TakeDone(99_000, Idle, active: null));
    }

    [Fact]
    public void A_flow_that_goes_on_is_told_when_its_time_is_over()
    {
        Count(output: 2, now: 0);
        Count(output: 2, now: 30_000);

        Assert.Empty(_table.TakeDone(30_000, Idle, active: 31_000));
        Assert.Single(_table.TakeDone(30_000, Idle, active: 30_000));
    }

    [Fact]
    public void Packets_that_leave_elsewhere_are_another_flow()
    {
        Count(NetflowTable.Flooded, now: 0);
        Count(output: 2, now: 1000);
        Count(NetflowTable.Dropped, now: 2000);

        var told = Assert.Single(_table.TakeDone(2000, Idle, active: null));
        Assert.Equal(NetflowTable.Flooded, told.Output);
        var rest = Assert.Single(_table.TakeDone(99_000, Idle, active: null));
        Assert.Equal(((ushort)2, 2UL), (rest.Output, rest.Packets));
    }

    [Fact]
    public void A_bridge_with_the_row_counts_its_packets_and_tells_their_addresses_apart()
    {
        var netflow = new NetflowSpec(
            EquatableArray.Create<string>(["127.0.0.1:1"]), 600, 0, 0, AddsEngine: false);
        Want(Bridge("br0", [Port("p1"), Port("p2")]) with { Netflow = netflow });
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any),
            FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        var frame = Frame(1, 2);
        Memory("p1").Inject(frame);

        var flows = Store.FindBridge("br0")!.Netflow.TakeDone(long.MaxValue, Idle, active: null);
        var flow = Assert.Single(flows);
        Assert.Equal(((ushort)1, (ushort)2), (flow.Key.InPort, flow.Output));
        Assert.Equal((1UL, (ulong)frame.Length), (flow.Packets, flow.Bytes));
        Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(26)), flow.Key.Source);
        Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(30)), flow.Key.Destination);
    }

    [Fact]
    public void A_datagram_is_version_5_and_holds_thirty_flows()
    {
        var datagram = new NetflowDatagram(
            7000, DateTimeOffset.FromUnixTimeMilliseconds(5_250), engineType: 2, engineId: 1);
        var entry = new NetflowEntry(
            0x0A000001, 0x0A000002, 1, 2, 3, 400, 10, 20, 5, 6, 0x12, 17, 4);
        for (uint i = 0; i < NetflowDatagram.CountMax; i++) Assert.True(datagram.TryAdd(entry, i));

        Assert.False(datagram.TryAdd(entry, 30));
        Assert.Equal(24 + (30 * 48), datagram.Bytes.Length);
        Assert.Equal(
            "0005001E" + "00001B58" + "00000005" + "0EE6B280" + "0000001D" + "02010000",
            Convert.ToHexString(datagram.Bytes.Span[..24]));
        Assert.Equal(
            "0A000001" + "0A000002" + "00000000" + "00010002" + "00000003" + "00000190"
            + "0000000A" + "00000014" + "00050006" + "00121104" + "00000000" + "00000000",
            Convert.ToHexString(datagram.Bytes.Span[24..72]));
    }

    private void Count(ushort output, long now) =>
        new NetflowCredit(_table, Key, output, TcpFlags: 0).Add(1, 100, now);
}
