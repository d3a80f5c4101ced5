namespace Fabric.HostNode.Windows;

/// <summary>A Hyper-V virtual switch.</summary>
/// <param name="HasExtension">A forwarding extension with our contract is enabled on it.</param>
internal sealed record VirtualSwitch(string Id, string Name, bool HasExtension);

/// <summary>What owns a port of a virtual switch.</summary>
internal enum VirtualNicKind { Machine, Internal, External, Container }

/// <summary>One port of a virtual switch with the NIC that is connected to it.</summary>
/// <param name="Id">Stays the same for the NIC's whole life.</param>
/// <param name="PortName">The friendly name, by which the driver finds the port.</param>
/// <param name="Owner">Name of the virtual machine or of the container's network; "".</param>
internal sealed record VirtualNic(
    string Id, string SwitchId, VirtualNicKind Kind, string PortName, string Owner, string Mac,
    bool IsConnected);

/// <summary>The virtual switches of this host and what is connected to them.</summary>
/// <remarks>
/// Failures that the environment can cause (no Hyper-V, no rights) are told as texts. Calls may
/// take seconds: nobody makes them on a packet's way.
/// </remarks>
internal interface IVirtualSwitchHost : IDisposable
{
    /// <summary>Null with the reason when the host cannot be asked.</summary>
    IReadOnlyList<VirtualSwitch>? Switches(out string error);

    IReadOnlyList<VirtualNic>? Nics(out string error);

    /// <summary>Makes a NIC of the host itself on the switch; one that is there is fine.</summary>
    bool TryAddInternalPort(string switchId, string name, out string error);

    bool TryRemoveInternalPort(string switchId, string name, out string error);

    /// <summary>Gives the port of a machine's NIC a friendly name of 1 to 48 characters.</summary>
    bool TrySetPortName(string nicId, string name, out string error);

    bool TryEnableExtension(string switchId, out string error);

    /// <summary>Something came, went or changed; may come too often, never too late.</summary>
    event Action? Changed;
}
