using System.Text.RegularExpressions;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Tests.Pipeline;

/// <content>Packets through both datapaths: the same bytes leave the same devices.</content>
public sealed partial class DifferentialTests
{
    private static readonly string[] Devices =
        ["p1", "p2", "p3", "p4", "p5", "p6", "p11", "p12"];

    private readonly Dictionary<string, CaptureReader> _captures = [];
    private int _packetCount;

    private void CaptureTheirs()
    {
        foreach (var device in Devices)
        {
            var file = _oracle.In($"{device}.pcap");
            _oracle.Vsctl($"set interface {device} options:tx_pcap={file}");
            Until(() => File.Exists(file), file);
            _captures[device] = new CaptureReader(file);
        }
    }

    /// <summary>Connections, addresses and megaflows of earlier tables are forgotten.</summary>
    private async Task ForgetAsync()
    {
        _oracle.Appctl("dpctl/flush-conntrack");
        Provider.Conntrack.Flush(new ConntrackFilter());
        foreach (var bridge in (string[])["br0", "br1"])
        {
            _oracle.Appctl("fdb/flush", bridge);
            await RunAsync("fdb/flush", bridge);
        }
    }

    /// <summary>How what leaves the devices differs; null: it does not.</summary>
    private async Task<string?> SendAsync(RandomFlowTable table, string packet)
    {
        if (table.UsesDatapathHash || !TryCompose(packet, out var device, out var frame))
        {
            return null;
        }

        // No decision about a packet before this one may serve: tables may have learned since.
        _oracle.Appctl("revalidator/purge");
        await RunAsync("revalidator/purge");
        foreach (var each in Devices) Memory(each).TakeAll();
        Memory(device).Inject(frame);
        _oracle.Appctl("netdev-dummy/receive", device, Convert.ToHexString(frame));

        // Devices are looked at before commands: after the second of these the packet is gone.
        for (var i = 0; i < 2; i++) _oracle.Appctl("version");
        var differing = new List<string>();
        foreach (var each in Devices)
        {
            var theirs = Lines(packet, _captures[each].TakeNew());
            var ours = Lines(packet, Sent(each));
            if (theirs == ours) continue;
            differing.Add($"{each}\n  theirs {theirs}\n  ours   {ours}");
        }

        _packetCount++;
        if (differing.Count > 0 && await HasLeftTranslatedAsync())
        {
            _translatedCount++;
            return null;
        }

        return differing.Count == 0 ? null
            : $"in  {Convert.ToHexString(frame)}\n{string.Join('\n', differing)}";
    }

    /// <summary>
    /// In which order a flood leaves is anybody's choice, and where it ends with an access port
    /// what is cut next has no tag: traces are compared, sizes are not.
    /// </summary>
    private static bool CutsAreOurs(string trace) =>
        trace.Contains("flooding", StringComparison.Ordinal)
        && trace.Contains("trunc(", StringComparison.Ordinal);

    /// <summary>
    /// A frame on each line. Of later fragments the headers: where another's checksum would be,
    /// OVS 3.1 changes the payload when an address is set.
    /// </summary>
    private static string Lines(string packet, IEnumerable<string> frames)
    {
        if (packet.Contains("nw_frag=later", StringComparison.Ordinal))
        {
            frames = frames.Select(frame => Payload().Replace(frame, ""));
        }

        return string.Join("\n    ", frames);
    }

    [GeneratedRegex("0001020304.*")]
    private static partial Regex Payload();

    /// <summary>
    /// Actions stood behind a NAT: OVS 3.1 carries them out on the translated packet, while newer
    /// versions and we put the translation into a clone.
    /// </summary>
    private async Task<bool> HasLeftTranslatedAsync() =>
        NatInClone().IsMatch(await RunAsync("dpif/dump-flows", "br0"));

    [GeneratedRegex(@"clone\(ct\([^()]*nat[^()]*(\([^()]*\))?\),recirc")]
    private static partial Regex NatInClone();

    private Task<string> RunAsync(string command, params string[] words) =>
        _commands.RunAsync(new UnixctlRequest(command, [.. words], false));

    private IEnumerable<string> Sent(string device)
    {
        while (Memory(device).TryTake(out var bytes)) yield return Convert.ToHexString(bytes);
    }

    /// <summary>The packet's bytes, and the device of the port that it comes in at.</summary>
    private bool TryCompose(string packet, out string device, out byte[] frame)
    {
        (device, frame) = ("", []);
        var bridge = Store.Datapaths.First().Current.Bridges["br0"];
        if (!FlowText.TryParseFlow(packet, bridge, out var key, out _)) return false;
        if (!bridge.Ports.TryGetValue(key.InPort, out var port)) return false;
        device = port.Name;
        if (!Devices.Contains(device)) return false;
        frame = PacketBuilder.Compose(in key.Flow);
        return true;
    }
}
