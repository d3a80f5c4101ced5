using System.Text;
using System.Text.RegularExpressions;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// What the stock ovs-ofctl prints about a bridge of ours is what it prints about one of
/// ovs-vswitchd, in every version of OpenFlow: requests, refusals, statistics in many parts.
/// </summary>
public sealed partial class OfctlDifferentialTests : TwinSwitches
{
    /// <summary>Statistics of so many take more than the 64 KB of one message.</summary>
    private const int ManyCount = 1700;

    private const string Option0 = "{class=0xffff,type=0,len=4}->tun_metadata0";
    private const string Option1 = "{class=0xffff,type=1,len=4}->tun_metadata1";

    private static readonly string[] Requests =
    [
        "show", "dump-desc", "dump-tables", "dump-table-features", "dump-table-desc",
        "dump-ports", "dump-ports @ 1", "dump-ports @ p2", "dump-ports @ 99",
        "dump-ports-desc", "dump-ports-desc @ 1", "dump-ports-desc @ 99",
        "queue-stats", "queue-stats @ 1", "queue-stats @ 1 7", "queue-stats @ 99",
        "queue-get-config", "queue-get-config @ 2", "queue-get-config @ LOCAL",
        "queue-get-config @ ALL", "queue-get-config @ 99",
        "dump-group-features", "dump-groups", "dump-group-stats", "meter-features", "dump-meters",
        "meter-stats", "dump-ipfix-bridge", "dump-ipfix-flow", "dump-tlv-map", "get-frags",
        "dump-flows", "dump-aggregate", "probe",
        "mod-port @ p1 down", "dump-ports-desc @ p1", "mod-port @ p1 up", "mod-port @ 2 no-flood",
        "dump-ports-desc @ 2", "mod-port @ 2 flood", "mod-port @ 99 up",
    ];

    private static readonly string[] Changes =
    [
        "-O OpenFlow13 add-flow @ in_port=p1,actions=output:p2",
        "-O OpenFlow13 --names dump-flows @", "-O OpenFlow10 --names dump-flows @",
        "-O OpenFlow13 --no-names dump-flows @", "-O OpenFlow13 dump-flows @ out_port=p2",
        "-O OpenFlow13 dump-flows @ out_port=p1", "-O OpenFlow13 dump-aggregate @ out_port=2",
        "-O OpenFlow13 add-group @ group_id=1,type=select,bucket=weight:1,actions=output:p1",
        "-O OpenFlow15 --names dump-groups @ 1", "-O OpenFlow15 dump-groups @ 2",
        "-O OpenFlow13 add-flow @ priority=5,actions=group:1", "-O OpenFlow13 dump-group-stats @ 1",
        "-O OpenFlow13 del-groups @", "-O OpenFlow13 dump-flows @",
        "-O OpenFlow13 add-meter @ meter=1,kbps,burst,band=type=drop,rate=1000,burst_size=100",
        "-O OpenFlow13 add-flow @ priority=6,actions=meter:1,output:1",
        "-O OpenFlow13 dump-meter @ meter=1", "-O OpenFlow13 meter-stats @ meter=1",
        "-O OpenFlow13 dump-meter @ meter=2", "-O OpenFlow15 dump-meters @",
        "-O OpenFlow13 del-meter @ meter=1", "-O OpenFlow13 dump-flows @",
        $"add-tlv-map @ {Option0},{Option1}", $"add-tlv-map @ {Option1}",
        "add-flow @ priority=7,tun_metadata0=5,actions=drop", $"del-tlv-map @ {Option0}",
        "del-tlv-map @", $"del-tlv-map @ {Option1}", "dump-tlv-map @",
        "mod-flows @ tun_metadata0=5,actions=drop",
        "--strict del-flows @ priority=7,tun_metadata0=5",
        "add-flow @ priority=8,actions=set_field:5->tun_metadata0", $"del-tlv-map @ {Option0}",
        "add-flow @ priority=9,actions=set_field:5->tun_metadata1",
        "-O OpenFlow13 add-flow @ actions=move:tun_metadata3[0..3]->reg0[0..3]",
        "-O OpenFlow13 add-flow @ actions=output:tun_metadata3[0..3]",
        "-O OpenFlow13 add-flow @ actions=learn(table=1,reg0=tun_metadata3[0..31])",
        "-O OpenFlow13 add-flow @ actions=clone(pop:tun_metadata3[0..3])",
        "set-frags @ drop", "get-frags @", "set-frags @ reassemble", "set-frags @ normal",
        "ct-flush-zone @ 5", "diff-flows @ @", "dump-flows @",
    ];

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow11")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow15")]
    public void Requests_are_answered_alike_in(string version)
    {
        foreach (var request in Requests)
        {
            var words = request.Contains('@', StringComparison.Ordinal) ? request : $"{request} @";
            Compare($"-O {version} {words}");
        }
    }

    [Fact]
    public void Changes_and_refusals_are_told_alike()
    {
        foreach (var change in Changes) Compare(change);
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow15")]
    public void Answers_of_many_parts_are_alike_in(string version)
    {
        var text = new StringBuilder();
        for (var i = 1; i <= ManyCount; i++)
        {
            text.AppendLine($"group_id={i},type=all,bucket=output:1,bucket=output:2");
        }

        var groups = FileOf("groups", text.ToString());
        Compare($"-O OpenFlow13 add-groups @ {groups}");
        using (var theirs = Theirs(OfVersion.OpenFlow13))
        using (var ours = Ours(OfVersion.OpenFlow13))
        {
            Assert.Empty(theirs.AnswersTo(Meters()));
            Assert.Empty(ours.AnswersTo(Meters()));
        }

        foreach (var request in (string[])
            ["dump-groups", "dump-group-stats", "dump-meters", "meter-stats"])
        {
            var said = Compare($"-O {version} {request} @");
            var hasMeters = version != "OpenFlow10" || request.Contains("group");
            Assert.True(!hasMeters || said.Split('\n').Length > ManyCount, said);
        }
    }

    private static byte[] Meters()
    {
        var codec = new OfCodecContext(OfVersion.OpenFlow13);
        var writer = new OfWriter();
        for (var i = 1u; i <= ManyCount; i++)
        {
            var mod = new MeterMod(MeterModCommand.Add, i, MeterFlags.KilobitsPerSecond,
                [new MeterBand(MeterBandType.Drop, 1000, 0, 0)]);
            OfEncoder.Write(writer, mod, i, codec);
        }

        return writer.ToArray();
    }

    /// <summary>What both say, where '@' stands for the bridge.</summary>
    private string Compare(string words)
    {
        var theirs = Alike(Ofctl(TheirSocket, words));
        Assert.Equal($"{words}\n{theirs}", $"{words}\n{Alike(Ofctl(OurSocket, words))}");
        return theirs;
    }

    private static string Ofctl(string socket, string words)
    {
        string[] all = [.. words.Split(' ').Select(word => word == "@" ? socket : word)];
        var (isDone, output) = (false, "");

        // A switch that has not come to accept the last connections refuses more for a moment.
        Until(
            () =>
            {
                isDone = VswitchdOracle.TryOfctl(out output, all);
                return !output.Contains("failed to connect", StringComparison.Ordinal);
            },
            words);
        return $"{output.Replace(socket, "@", StringComparison.Ordinal)}\n{isDone}";
    }

    /// <summary>
    /// Without what is a switch's own; ports, groups and meters come in any order.
    /// </summary>
    private static string Alike(string text)
    {
        text = Own().Replace(text, "_");
        text = text.Replace("\n            tx", " tx", StringComparison.Ordinal);
        text = text.Replace("bands:\n0:", "bands: 0:", StringComparison.Ordinal);
        return string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("xid=0x[0-9a-f]+|duration[=:][0-9.]+s|(?<=dpid:)[0-9a-f]+|idle_age=[0-9]+"
        + "|(?<=addr:)[0-9a-f:]+|(?<=Software: )[0-9.]+|[0-9T:.-]{20,}Z\\|[0-9]+\\|"
        + "|(?<=^0000[0-9a-f]{4} )[^|]*|(?<=  )[0-9a-f -]{40,}\\|.*", RegexOptions.Multiline)]
    private static partial Regex Own();
}
