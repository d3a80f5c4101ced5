using System.Net;

namespace Fabric.Datapath;

/// <summary>This host's own addresses: what is sent there may be a tunnel's.</summary>
internal sealed unsafe class LocalAddresses(KernelObject kernel, RouteSocket routes)
{
    private readonly HashSet<IPAddress> _known = [];

    /// <summary>Tells the kernel's programs what came and went.</summary>
    public void Refresh()
    {
        var now = routes.Addresses().ToHashSet();
        uint one = 1;
        foreach (var address in now)
        {
            if (!_known.Add(address)) continue;
            var key = TunnelRoutes.BytesOf(address);
            LibBpf.Update(kernel.Locals, &key, &one, LibBpf.UpdateAny);
        }

        foreach (var gone in _known.Where(address => !now.Contains(address)).ToArray())
        {
            _known.Remove(gone);
            var key = TunnelRoutes.BytesOf(gone);
            LibBpf.Delete(kernel.Locals, &key);
        }
    }
}
