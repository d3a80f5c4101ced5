using System.Runtime.InteropServices;

namespace Fabric.Datapath.Tests;

/// <summary>A network namespace that the calling thread is in until this is disposed.</summary>
internal sealed partial class NamespaceScope : IDisposable
{
    private const int NewNetwork = 0x4000_0000;

    private readonly NetworkNamespace _inside = new();
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _outside =
        File.OpenHandle("/proc/thread-self/ns/net");

    public NamespaceScope()
    {
        using var file = File.OpenHandle($"/run/netns/{_inside.Name}");
        Assert.Equal(0, Enter((int)file.DangerousGetHandle(), NewNetwork));
        _inside.Exec("sysctl -q net.ipv6.conf.default.disable_ipv6=1");
    }

    public NetworkNamespace Namespace => _inside;

    public void Dispose()
    {
        Assert.Equal(0, Enter((int)_outside.DangerousGetHandle(), NewNetwork));
        _outside.Dispose();
        _inside.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int Enter(int descriptor, int kind);
}
