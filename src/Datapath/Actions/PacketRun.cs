using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A packet in the middle of its actions.</summary>
internal ref struct PacketRun
{
    /// <summary>The run holds one reference of it.</summary>
    public PacketBuffer Packet;

    /// <summary>Kept in step with the packet's bytes by every action.</summary>
    public ref FlowKey Key;
    public PacketLayout Layout;

    /// <summary>The outer header for tunnel ports, once one was set.</summary>
    public TunnelMetadata? Tunnel;

    /// <summary>Bytes that the next output may have at most.</summary>
    public int SizeMax;
    public int Depth;
}
