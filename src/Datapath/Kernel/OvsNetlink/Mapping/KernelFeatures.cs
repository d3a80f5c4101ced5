namespace Fabric.Datapath;

/// <summary>What the device itself can do, as it showed when it was asked to.</summary>
/// <remarks>
/// Found by executing each action on a packet of our own (<see cref="FeatureProbe"/>): OVSEXT
/// takes any flow, checks none, and runs what it knows of it. What is missing here is done by
/// the provider, packet by packet.
/// </remarks>
public sealed record KernelFeatures
{
    /// <summary>Flows keep their mask. Without, each microflow is a flow of its own.</summary>
    public bool HasMasks { get; init; }

    /// <summary>
    /// Sets of single bits, and of any field: a driver that lacks them honours sets of whole
    /// Ethernet, IPv4, TCP, UDP and tunnel headers, and passes over others in silence.
    /// </summary>
    public bool HasMaskedSet { get; init; }

    public bool HasConntrack { get; init; }
    public bool HasConntrackNat { get; init; }
    public bool HasConntrackClear { get; init; }
    public bool HasConntrackTimeout { get; init; }

    /// <summary>
    /// Helpers (ftp, tftp). Without, a connection is tracked, and those that it announces are new
    /// ones and not related to it.
    /// </summary>
    public bool HasConntrackHelper { get; init; }
    public bool HasTruncate { get; init; }
    public bool HasClone { get; init; }
    public bool HasSample { get; init; }
    public bool HasCheckPacketLength { get; init; }
    public bool HasPushEthernet { get; init; }
    public bool HasMpls { get; init; }
    public bool HasAddMpls { get; init; }
    public bool HasDecrementTtl { get; init; }
    public bool HasExplicitDrop { get; init; }
    public bool HasHash { get; init; }
    public bool HasRecirculation { get; init; }

    /// <summary>The meter family answers (OVSEXT from 3.1 on).</summary>
    public bool HasMeters { get; init; }
    public uint MeterBandsMax { get; init; }

    /// <summary>
    /// Keys and tunnels may have any attribute (Linux). OVSEXT refuses keys with attributes
    /// above 27, and tunnels with ports or with options that are not Geneve's.
    /// </summary>
    public bool HasAllKeys { get; init; }
}
