using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Host;
using Fabric.Switching;
using Fabric.Tests.Switching;
using Fabric.Wire.OpenFlow;
using Match = Fabric.Wire.OpenFlow.Match;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// The same random tables and packets for a real ovs-vswitchd and for ours: the traces are equal,
/// line by line: every rule and report, the final flow, the megaflow, the datapath's actions. And
/// the same bytes leave the same devices.
/// </summary>
/// <remarks>
/// Both get their tables from the same text through ovs-ofctl and an OpenFlow socket. What may
/// differ, and is made alike first: numbers of recirculations, the order of a flood, the clone
/// that newer versions put around NAT, and how OVS 3.1 says that it must leave some actions to its
/// slow path. FABRIC_ORACLE_SEED and FABRIC_ORACLE_TABLES choose what is tried.
/// </remarks>
public sealed partial class DifferentialTests : SwitchWorld
{
    private const int ReportedMax = 3;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    private static readonly bool IsFull =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";

    private readonly ShiftedTime _time;
    private readonly UnixctlCommands _commands = new();
    private readonly VswitchdOracle _oracle = new();
    private readonly List<string> _differences = [];
    private int _traceCount;
    private int _refusedCount;
    private int _crashCount;
    private int _knownCount;
    private int _translatedCount;

    public DifferentialTests()
        : this(new ShiftedTime())
    {
    }

    private DifferentialTests(ShiftedTime time)
        : base(time) => _time = time;

    /// <summary>The system's time, which the test pushes forward.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _shift;

        public void Advance(TimeSpan by) =>
            Interlocked.Add(ref _shift, by.Ticks * (TimestampFrequency / TimeSpan.TicksPerSecond));

        public override long GetTimestamp() =>
            base.GetTimestamp() + Interlocked.Read(ref _shift);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _oracle.Dispose();
    }

    [Fact]
    public async Task Random_tables_are_traced_as_by_ovs_vswitchd()
    {
        WireTheirs();
        WireOurs();
        CaptureTheirs();
        var first = Setting("FABRIC_ORACLE_SEED", 1);
        var count = Setting("FABRIC_ORACLE_TABLES", IsFull ? 10_000 : 300);
        for (var seed = first; seed < first + count && _differences.Count < ReportedMax; seed++)
        {
            try
            {
                await CompareAsync(seed);
            }
            catch (IOException)
            {
                // OVS 3.1 has bugs that some tables find; go on with a new process.
                _crashCount++;
                _oracle.RestartSwitch();
                Until(SetTheirNormal, "the bridges of a new ovs-vswitchd");
                foreach (var capture in _captures.Values) capture.TakeNew();
            }
        }

        Assert.True(_differences.Count == 0, string.Join("\n\n", _differences));
        Assert.True(_refusedCount <= count / 20, $"{_refusedCount} tables refused by ovs-vswitchd");
        Assert.True(_crashCount <= 1 + (count / 100), $"ovs-vswitchd ended {_crashCount} times");
        Assert.True(_knownCount <= 1 + (count / 100), $"{_knownCount} tables left a clone early");
        Assert.True(_translatedCount <= 1 + (count / 50), $"{_translatedCount} left translated");
        Assert.True(_traceCount > count * 3, $"{_traceCount} traces were compared");
        Assert.True(_packetCount > count, $"{_packetCount} packets were compared");
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private async Task CompareAsync(int seed)
    {
        var table = new RandomFlowTable(seed);
        _oracle.Appctl("version"); // It may have ended of the last packet of the table before.
        if (!Install(table.Text)) return;
        await ForgetAsync();
        for (var i = 0; i < (IsFull ? 10 : 4); i++)
        {
            var packet = table.Packet();
            var ours = Alike(await TraceAsync(packet));
            var theirs = TheirTrace(packet, ours);
            _traceCount++;
            if (theirs == ours)
            {
                if (CutsAreOurs(ours)) continue;
                if (await SendAsync(table, packet) is not { } difference) continue;
                theirs = ours = $"{ours}\n-- out\n{difference}";
            }

            if (table.MayEndOutside)
            {
                _knownCount++;
                return;
            }

            _differences.Add(
                $"seed {seed}, {packet}\n{table.Text}\n-- theirs\n{theirs}\n-- ours\n{ours}");
            return;
        }
    }

    /// <summary>
    /// OVS takes deleted flows out of its tables a little later; until then it looks at more.
    /// </summary>
    private string TheirTrace(string packet, string expected)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var theirs = Alike(_oracle.Appctl("ofproto/trace", "br0", packet));
            if (theirs == expected || clock.Elapsed > Settling) return theirs;
            Thread.Yield();
        }
    }

    private void WireTheirs()
    {
        _oracle.Vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure");
        _oracle.Vsctl("add-br br1 -- set bridge br1 datapath_type=dummy fail-mode=secure");
        for (var i = 1; i <= 6; i++)
        {
            var vlan = i == 5 ? " tag=10" : i == 6 ? " trunks=10,20" : "";
            _oracle.Vsctl($"add-port br0 p{i}{vlan} -- "
                + $"set interface p{i} type=dummy ofport_request={i}");
        }

        _oracle.Vsctl("add-port br1 p11 -- set interface p11 type=dummy ofport_request=1");
        _oracle.Vsctl("add-port br1 p12 -- set interface p12 type=dummy ofport_request=2");
        _oracle.Vsctl("add-port br0 patch0 -- set interface patch0 type=patch "
            + "options:peer=patch1 ofport_request=8 -- add-port br1 patch1 -- "
            + "set interface patch1 type=patch options:peer=patch0 ofport_request=8");
        Assert.True(SetTheirNormal());
    }

    private bool SetTheirNormal() => VswitchdOracle.TryOfctl(
        out _, "add-flow", "unix:" + _oracle.In("br1.mgmt"), "priority=1,actions=normal");

    private void WireOurs()
    {
        DatapathCommands.Register(_commands, Store, () => Datapath);
        BridgeCommands.Register(_commands, Store);
        var br0 = Bridge("br0", [
            .. Enumerable.Range(1, 4).Select(i => Port($"p{i}", request: i)),
            Port("p5", tag: 10, request: 5), Port("p6", request: 6) with { Trunks = [10, 20] },
            Port("patch0", "patch", options: None.Add("peer", "patch1"), request: 8)])
            with
        { FailMode = "secure" };
        var br1 = Bridge("br1", Port("p11", request: 1), Port("p12", request: 2),
            Port("patch1", "patch", options: None.Add("peer", "patch0"), request: 8))
            with
        { FailMode = "secure" };
        Want(br0, br1);
        foreach (var datapath in Store.Datapaths)
        {
            // OVS 3.1 does not track prefixes of IPv6 addresses by default.
            datapath.Current.Bridges["br0"].Pipeline.Tables.TracksIpv6 = false;
        }

        Directory.CreateDirectory(_oracle.In("ours"));
        var listeners = Sys.ActorOf(
            OpenFlowListenersActor.Props(_oracle.In("ours"), TimeProvider.System), "openflow");
        listeners.Tell(new ServeOpenFlow("br0", BridgeRef("br0"), br0), TestActor);
        Until(() => ListeningSocket.IsAt(_oracle.In("ours/br0.mgmt")), "our socket");
        Apply("br1", FlowMod.Add(0, 1, Match.Any, [new OfOutput(OfPort.Normal)]));
    }

    /// <summary>False: ovs-vswitchd does not take the table; then ours is not asked.</summary>
    private bool Install(string text)
    {
        // What was there before is to be gone from the tables' insides too, as it is in OVS.
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any));
        _time.Advance(TimeSpan.FromSeconds(1));
        var file = _oracle.In("table");
        File.WriteAllText(file, text);
        if (!Bundle("br0.mgmt", file, out _))
        {
            _refusedCount++;
            return false;
        }

        Assert.True(Bundle("ours/br0.mgmt", file, out var complaint), $"{complaint}\n{text}");
        return true;
    }

    private bool Bundle(string socket, string file, out string complaint) =>
        VswitchdOracle.TryOfctl(
            out complaint, "-O", "OpenFlow15", "bundle", "unix:" + _oracle.In(socket), file);

    private async Task<string> TraceAsync(string packet)
    {
        try
        {
            return await _commands.RunAsync(
                new UnixctlRequest("ofproto/trace", ["br0", packet], false));
        }
        catch (UnixctlException error)
        {
            return "ERROR: " + error.Message;
        }
    }

    private static string Alike(string text)
    {
        text = text.Replace("hash_l4(", "l4(", StringComparison.Ordinal);
        text = PacketInId().Replace(text, "rule_cookie");
        text = ClonedNat().Replace(text, "$1");
        text = SlowPath().Replace(text, "");
        text = HeaderlessTtl().Replace(text, "$1$2");
        text = PriorityTag().Replace(text, "$1");
        if (text.Contains("Translation failed", StringComparison.Ordinal))
        {
            text = Megaflow().Replace(text, ""); // Of no use, and OVS does not tidy it.
        }

        text = EarlyPop().Replace(text, "$1,pop_vlan,5");
        text = LateTag().Replace(text, "$1,$3$2");
        text = EarlyAccess().Replace(text, "$1,5");
        text = Flood().Replace(text, found => string.Join(
            ',', AccessPort().Replace(found.Value, "5").Split(',').Order()));
        var ids = new Dictionary<string, int>();
        return Recirculation().Replace(text, found =>
        {
            var id = found.Groups[2].Value;
            if (!ids.TryGetValue(id, out var number)) ids[id] = number = ids.Count + 1;
            return $"{found.Groups[1].Value}0x{number:x}";
        }).TrimEnd();
    }

    [GeneratedRegex(@"(recirc\(|recirc_id=)(?:0x)?([1-9a-f][0-9a-f]*)")]
    private static partial Regex Recirculation();

    [GeneratedRegex("recirc_id=[0-9a-fx]+,rule_cookie")]
    private static partial Regex PacketInId();

    [GeneratedRegex(@"clone\((ct\([^()]*(\([^()]*\)[^()]*)*\),recirc\([^()]*\))\)")]
    private static partial Regex ClonedNat();

    [GeneratedRegex("\nThis flow is handled by the userspace slow path because it:(\n  - .*)+")]
    private static partial Regex SlowPath();

    /// <summary>OVS: dec_ttl asks for these of packets that have no such header.</summary>
    [GeneratedRegex("(mpls|arp|rarp|eth)(,in_port.*?)(,nw_proto=0)?,nw_ttl=0(?=\n|,)")]
    private static partial Regex HeaderlessTtl();

    /// <summary>Ours asks for the priority that decides whether NORMAL keeps the tag.</summary>
    [GeneratedRegex("(Megaflow:.*,dl_vlan=0),dl_vlan_pcp=[0-7]")]
    private static partial Regex PriorityTag();

    [GeneratedRegex("Megaflow:.*")]
    private static partial Regex Megaflow();

    /// <summary>Outputs in a row, one of them perhaps to the access port.</summary>
    [GeneratedRegex(@"(?<=actions: |,|\()(?:[0-9]+|" + ToAccessPort + ")"
        + "(?:,(?:[0-9]+|" + ToAccessPort + @"))+(?=,|\n|$|\))")]
    private static partial Regex Flood();

    /// <summary>The access port was the last of a flood: the tag comes back later.</summary>
    [GeneratedRegex(@"(pop_vlan,5)((?:,(?:trunc\([0-9]+\)|set\((?:[^()]|\([^()]*\))*\)))+)"
        + @",(push_vlan\(vid=10,pcp=[0-7]\))")]
    private static partial Regex LateTag();

    /// <summary>The access port was the first of a flood: the tag goes before all else.</summary>
    [GeneratedRegex(@"pop_vlan,(set\((?:[^()]|\([^()]*\))*\)"
        + @"(?:,set\((?:[^()]|\([^()]*\))*\))*),5(?=,|\n|$|\))")]
    private static partial Regex EarlyPop();

    /// <summary>The access port was the first of a flood: the tag is put on after it.</summary>
    [GeneratedRegex(@"(?<=actions: |,|\()(?<!pop_vlan,)5,"
        + @"(push_vlan\(vid=10,pcp=[0-7]\))(?=,[0-9])")]
    private static partial Regex EarlyAccess();

    /// <summary>The tag comes back for those after it, where there are any.</summary>
    private const string ToAccessPort = @"pop_vlan,5(?:,push_vlan\(vid=10,pcp=[0-7]\))?";

    [GeneratedRegex(ToAccessPort)]
    private static partial Regex AccessPort();
}
