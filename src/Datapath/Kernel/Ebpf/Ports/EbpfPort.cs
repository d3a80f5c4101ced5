namespace Fabric.Datapath;

/// <summary>One port.</summary>
internal sealed class EbpfPort(DatapathPortSpec spec, uint number, int device)
{
    public DatapathPortSpec Spec { get; } = spec;
    public uint Number { get; } = number;
    public string Name => Spec.Name;

    /// <summary>Where the program sits and packets leave; 0 for tunnels.</summary>
    public int Device { get; set; } = device;

    /// <summary>The sockets of a tunnel, for what the kernel's programs leave to them.</summary>
    public TunnelPort? Tunnel { get; init; }
}
