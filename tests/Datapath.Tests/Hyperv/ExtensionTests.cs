using System.Collections.Immutable;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>What is the extension's own, through the provider and the netlink contract.</summary>
public sealed class ExtensionTests : IDisposable
{
    private const string Tcp =
        "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
        + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1000,dst=80),tcp_flags(syn)";

    private readonly ExtensionServer _server =
        new(ExtensionBuild.Compile("serve.c", isSanitized: true));

    private readonly OvsNetlinkDatapath _provider;
    private readonly Dictionary<uint, uint> _ports = [];

    public ExtensionTests() => _provider = ExtensionHost.Open(_server);

    public void Dispose() => _provider.Dispose(); // And the server with it.

    [Fact]
    public void Megaflows_and_recirculation_stay_in_the_extension()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        const string Ip = "eth_type(0x0800),ipv4(frag=no)";
        Put($"recirc_id(0),in_port({one}),{Ip}", "ct(zone=3),recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one}),ct_state(+new+trk),{Ip}", $"{two}");

        for (var i = 0; i < 5; i++) Send(one, Tcp.Replace("src=1000", $"src={1000 + i}"));

        Assert.Equal(5, _server.Take()[_ports[two]].Count());
        Assert.Equal(0u, _provider.Statistics().Missed);
        Assert.Equal(10u, _provider.Statistics().Hit);
        Assert.Equal(2, _provider.MicroflowCount);
    }

    private uint AddPort(string name)
    {
        var id = _server.ConnectNic(name);
        var isAdded = _provider.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error);
        Assert.True(isAdded, error);
        _ports[port.Number] = id;
        return port.Number;
    }

    private void Send(uint port, string packet)
    {
        _server.Send(_ports[port], OvsNetlink.EmulatedHost.Packet(packet));
        _server.Settle();
    }

    private void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        _provider.Flows.Put(key, mask, OvsNetlink.EmulatedHost.Actions(actions));
    }
}
