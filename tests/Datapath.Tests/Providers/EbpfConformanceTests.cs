using System.Collections.Immutable;

namespace Fabric.Datapath.Tests;

/// <summary>The kernel's programs, over veth devices in a namespace of their own.</summary>
public class EbpfConformanceTests : ProviderConformance
{
    private readonly NamespaceScope? _scope;
    private readonly Dictionary<uint, DevicePeer> _peers = [];

    public EbpfConformanceTests() => _scope = EbpfSupport.Missing is null ? new() : null;

    protected virtual EbpfOptions Options => EbpfSupport.SmallOptions;

    protected override IDatapathProvider Create()
    {
        Assert.True(EbpfDatapath.TryOpen(Options, out var datapath, out var error), error);
        return datapath!;
    }

    protected override uint AddPort(string name)
    {
        var peer = DevicePeer.Make(name);
        var isAdded = Provider.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error);
        Assert.True(isAdded, error);
        _peers[port.Number] = peer;
        return port.Number;
    }

    protected override void Send(uint port, byte[] packet)
    {
        var datapath = (EbpfDatapath)Provider;
        _peers[port].Send(packet);
        EbpfSupport.WaitUntilIdle(datapath);
    }

    /// <summary>The kernel may hand a packet on a moment after it was sent.</summary>
    protected override ImmutableArray<byte[]> Received(uint port)
    {
        var deadline = Environment.TickCount64 + 150;
        while (true)
        {
            var taken = _peers[port].Take();
            if (!taken.IsEmpty || Environment.TickCount64 > deadline) return taken;
            Thread.Yield();
        }
    }

    protected override void Dispose(bool isDisposing)
    {
        base.Dispose(isDisposing);
        foreach (var peer in _peers.Values) peer.Dispose();
        _scope?.Dispose();
    }
}

/// <summary>The same without tcx: clsact filters, as kernels before 6.6 have them.</summary>
public sealed class EbpfClsactConformanceTests : EbpfConformanceTests
{
    protected override EbpfOptions Options =>
        EbpfSupport.SmallOptions with { IsWithoutTcx = true };
}

/// <summary>With nothing that Linux 6.1 lacks, nor what an operator may switch off.</summary>
public sealed class EbpfOldestConformanceTests : EbpfConformanceTests
{
    protected override EbpfOptions Options => EbpfSupport.OldestOptions;
}

internal static class EbpfSupport
{
    private static readonly Lazy<string?> LazyMissing = new(Probe);

    /// <summary>Null when programs can be loaded here; else what is missing.</summary>
    public static string? Missing => LazyMissing.Value;

    public static EbpfOptions SmallOptions => new() { FlowsMax = 4096, ConnectionsMax = 65_536 };

    /// <summary>All that is probed or optional is masked.</summary>
    public static EbpfOptions OldestOptions => SmallOptions with
    {
        IsWithoutTcx = true, IsWithoutDecapVersions = true, IsWithoutShortcuts = true,
    };

    /// <summary>Waits until every record that the kernel sent up was handled.</summary>
    public static void WaitUntilIdle(EbpfDatapath datapath)
    {
        var deadline = Environment.TickCount64 + 5000;
        var quiet = 0;
        while (quiet < 3 && Environment.TickCount64 < deadline)
        {
            quiet = datapath.UpcallsPending == 0 ? quiet + 1 : 0;
            Thread.Yield();
        }
    }

    private static string? Probe()
    {
        if (NetworkNamespace.Missing is { } missing) return missing;
        using var scope = new NamespaceScope();
        if (!EbpfDatapath.TryOpen(SmallOptions, out var datapath, out var error)) return error;
        datapath!.Dispose();
        return null;
    }
}
