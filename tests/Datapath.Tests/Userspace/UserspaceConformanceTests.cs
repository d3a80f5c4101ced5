using System.Collections.Immutable;

namespace Fabric.Datapath.Tests;

public sealed class UserspaceConformanceTests : MemoryConformance
{
    protected override IDatapathProvider Create() => new UserspaceDatapath(
        options: new UserspaceDatapathOptions { ThreadCount = 1, WatchesDevices = false });

    protected override DatapathPortKind Kind => DatapathPortKind.Memory;
}

public sealed class DummyConformanceTests : MemoryConformance
{
    protected override IDatapathProvider Create() => new UserspaceDatapath(
        "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true });

    protected override DatapathPortKind Kind => DatapathPortKind.Dummy;
}

/// <summary>Conformance over ports in memory.</summary>
public abstract class MemoryConformance : ProviderConformance
{
    private readonly Dictionary<uint, MemoryPort> _ports = [];

    protected abstract DatapathPortKind Kind { get; }

    protected override uint AddPort(string name)
    {
        var isAdded = Provider.Ports.TryAdd(
            new DatapathPortSpec(name, Kind), out var port, out var error);
        Assert.True(isAdded, error);
        _ports[port.Number] = ((UserspaceDatapath)Provider).FindMemoryPort(name)!;
        return port.Number;
    }

    protected override void Send(uint port, byte[] packet) => _ports[port].Inject(packet);

    protected override ImmutableArray<byte[]> Received(uint port) => _ports[port].TakeAll();
}
