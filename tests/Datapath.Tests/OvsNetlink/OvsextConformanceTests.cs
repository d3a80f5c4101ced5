using System.Collections.Immutable;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>The cases of every provider, through the emulated driver's messages.</summary>
public class OvsextConformanceTests : ProviderConformance
{
    private EmulatedHost? _host;

    private EmulatedHost Host => _host ??= new EmulatedHost(Profile);

    /// <summary>The driver counts drops for nobody.</summary>
    protected override bool TellsDrops => false;

    protected virtual EmulatorProfile Profile => new();

    protected override IDatapathProvider Create() => Host.Provider;

    protected override uint AddPort(string name) => Host.AddPort(name);

    protected override void Send(uint port, byte[] packet) => Host.Send(port, packet);

    protected override ImmutableArray<byte[]> Received(uint port) => Host.Received(port);
}

/// <summary>A driver of the year 2015: no meters.</summary>
public sealed class OldOvsextConformanceTests : OvsextConformanceTests
{
    protected override EmulatorProfile Profile => new(new Version(2, 5));
}

/// <summary>A driver of the same contract that keeps masks and knows all actions.</summary>
public sealed class MaskingDriverConformanceTests : OvsextConformanceTests
{
    protected override EmulatorProfile Profile => new(HasMegaflows: true);
}
