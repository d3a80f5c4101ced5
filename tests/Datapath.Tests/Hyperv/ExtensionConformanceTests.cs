using System.Collections.Immutable;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>
/// The cases of every provider through our own Hyper-V extension: the provider speaks the
/// netlink contract to the extension's C, which forwards between the ports of the double.
/// </summary>
public sealed class ExtensionConformanceTests : ProviderConformance
{
    private readonly ExtensionServer _server =
        new(ExtensionBuild.Compile("serve.c", isSanitized: true));

    private readonly Dictionary<uint, uint> _ports = [];
    private readonly Dictionary<uint, List<byte[]>> _received = [];

    /// <summary>The contract has no message for what was dropped, and why.</summary>
    protected override bool TellsDrops => false;

    protected override IDatapathProvider Create() => ExtensionHost.Open(_server);

    protected override uint AddPort(string name)
    {
        var id = _server.ConnectNic(name);
        Assert.True(
            Provider.Ports.TryAdd(
                new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error),
            error);
        _ports[port.Number] = id;
        return port.Number;
    }

    protected override void Send(uint port, byte[] packet)
    {
        _server.Send(_ports[port], packet);
        _server.Settle();
    }

    protected override ImmutableArray<byte[]> Received(uint port)
    {
        foreach (var packets in _server.Take())
        {
            if (!_received.TryGetValue(packets.Key, out var list))
            {
                _received[packets.Key] = list = [];
            }

            list.AddRange(packets);
        }

        return _received.Remove(_ports[port], out var mine) ? [.. mine] : [];
    }
}

/// <summary>A provider over the extension.</summary>
internal static class ExtensionHost
{
    public static OvsNetlinkDatapath Open(ExtensionServer server)
    {
        var datapath = new OvsNetlinkDatapath(server, new OvsNetlinkOptions
        {
            UpcallLoops = 2,
            BackoffMin = TimeSpan.FromMilliseconds(5),
            BackoffMax = TimeSpan.FromMilliseconds(40),
            PollPeriod = TimeSpan.FromMilliseconds(50),
            PendPatience = TimeSpan.FromMilliseconds(200),
        });
        Assert.True(datapath.IsConnected);
        return datapath;
    }
}
