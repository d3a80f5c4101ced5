using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>One way through the tracker: as flows for Open vSwitch, as steps for ours.</summary>
/// <param name="Port">The port at which packets that go this way come in.</param>
/// <param name="Steps">What is done, each only if the state so far allows it.</param>
internal sealed record TrackingPlan(string Port, params TrackingStep[] Steps)
{
    public string Number => Port[1..];

    /// <summary>One table for each step; table 100 records.</summary>
    public IEnumerable<string> Flows()
    {
        for (var i = 0; i < Steps.Length; i++)
        {
            var table = i == 0 ? 0 : (int.Parse(Number) * 2) + i;
            var next = i + 1 == Steps.Length ? 100 : (int.Parse(Number) * 2) + i + 1;
            var step = Steps[i];
            var action = $"actions=ct({step.Text},table={next})";
            foreach (var family in (string[])["ip", "ipv6"])
            {
                if (step.Family is not null && step.Family != family) continue;
                var match = $"table={table},priority=10,in_port={Number},{family}";
                if (step.IfNew) match += ",ct_state=+new";
                yield return $"{match} {action}";
            }

            if (i > 0)
            {
                yield return $"table={table},priority=1,in_port={Number} "
                    + $"actions=resubmit(,{next})";
            }
        }
    }

    /// <summary>Sends one packet this way; returns what left, and the key as it was then.</summary>
    public byte[] Run(ConntrackTable table, byte[] frame, long now, out FlowKey key)
    {
        var packet = new PacketBuffer();
        packet.Load(frame);
        key = default;
        FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _, out _);
        foreach (var step in Steps)
        {
            if (step.Family is not null && (step.Family == "ip") != key.IsIpv4) continue;
            if (step.IfNew && (key.ConntrackState & ConntrackState.New) == 0) continue;
            if (table.Execute(packet, ref key, step.Action, now))
            {
                FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _, out _);
            }
        }

        return packet.Bytes.ToArray();
    }

    private static ConntrackAction Ct(
        ushort zone, bool commit = false, bool force = false, NatSpec? nat = null, uint mark = 0,
        uint markMask = 0) =>
        new(commit, force, zone, mark, markMask, 0, 0, null, nat, null);

    private static readonly NatSpec Bare =
        new(NatType.None, null, null, 0, 0, false, false, false);

    private static NatSpec Nat(NatType type, string address, int port = 0) => new(
        type, IPAddress.Parse(address), IPAddress.Parse(address), (ushort)port, (ushort)port,
        false, false, false);

    public static TrackingPlan[] All { get; } =
    [
        new("p10", new TrackingStep("zone=1", Ct(1))),
        new("p11", new TrackingStep("commit,zone=1", Ct(1, commit: true))),
        new("p12",
            new TrackingStep("zone=1", Ct(1)),
            new TrackingStep("commit,zone=1,exec(set_field:0x5->ct_mark)",
                Ct(1, commit: true, mark: 5, markMask: uint.MaxValue))),
        new("p13", new TrackingStep(
            "commit,force,zone=1", Ct(1, commit: true, force: true))),
        new("p14", new TrackingStep("zone=1", Ct(1)),
            new TrackingStep("commit,zone=3", Ct(3, commit: true))),
        new("p15",
            new TrackingStep("nat,zone=2", Ct(2, nat: Bare)),
            new TrackingStep("commit,zone=2,nat(src=198.51.100.1)",
                Ct(2, commit: true, nat: Nat(NatType.Source, "198.51.100.1")), "ip", IfNew: true),
            new TrackingStep("commit,zone=2,nat(src=2001:db8:1::1)",
                Ct(2, commit: true, nat: Nat(NatType.Source, "2001:db8:1::1")), "ipv6",
                IfNew: true)),
        new("p16",
            new TrackingStep("nat,zone=2", Ct(2, nat: Bare)),
            new TrackingStep("commit,zone=2,nat(dst=10.0.0.9:8080)",
                Ct(2, commit: true, nat: Nat(NatType.Destination, "10.0.0.9", 8080)), "ip",
                IfNew: true),
            new TrackingStep("commit,zone=2,nat(dst=fd00::9)",
                Ct(2, commit: true, nat: Nat(NatType.Destination, "fd00::9")), "ipv6",
                IfNew: true)),
        new("p17", new TrackingStep("nat,zone=2", Ct(2, nat: Bare))),
        new("p18", new TrackingStep("commit,zone=2,exec(set_field:0x30/0xf0->ct_mark)",
            Ct(2, commit: true, mark: 0x30, markMask: 0xF0))),
        new("p19",
            new TrackingStep("nat,zone=2", Ct(2, nat: Bare)),
            new TrackingStep("commit,zone=4", Ct(4, commit: true))),
    ];

    /// <summary>
    /// How a frame that left says what was tracked: written over its Ethernet header.
    /// </summary>
    /// <remarks>An invalid packet's original tuple cannot be read, not even by a flow.</remarks>
    public static string RecordFlows { get; } = string.Join('\n',
        RecordFlow("ip", "NXM_NX_CT_NW_SRC[]", "NXM_NX_CT_NW_DST[]"),
        RecordFlow("ipv6", "NXM_NX_CT_IPV6_SRC[0..31]", "NXM_NX_CT_IPV6_DST[0..31]"),
        $"table=100,priority=5,actions={RecordState},output:3");

    private const string RecordState = "move:NXM_NX_CT_STATE[]->NXM_OF_ETH_SRC[0..31],"
        + "move:NXM_NX_CT_LABEL[0..15]->NXM_OF_ETH_SRC[32..47],"
        + "move:NXM_NX_CT_MARK[]->NXM_OF_ETH_DST[0..31],"
        + "move:NXM_NX_CT_ZONE[]->NXM_OF_ETH_DST[32..47],output:2";

    private static string RecordFlow(string family, string source, string destination) =>
        $"table=100,priority=10,{family},ct_state=+trk-inv,actions={RecordState},"
        + $"move:{source}->NXM_OF_ETH_SRC[0..31],move:NXM_NX_CT_TP_SRC[]->NXM_OF_ETH_SRC[32..47],"
        + $"move:{destination}->NXM_OF_ETH_DST[0..31],"
        + "move:NXM_NX_CT_TP_DST[]->NXM_OF_ETH_DST[32..47],output:3";
}

/// <param name="Text">The ct action's arguments.</param>
/// <param name="Family">"ip" or "ipv6": only for these; null: both.</param>
internal sealed record TrackingStep(
    string Text, ConntrackAction Action, string? Family = null, bool IfNew = false);
