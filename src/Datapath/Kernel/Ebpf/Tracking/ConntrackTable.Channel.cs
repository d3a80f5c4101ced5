namespace Fabric.Datapath;

/// <content>
/// What the managed tracker knows of control channels, for connections that live in the kernel.
/// </content>
public sealed partial class ConntrackTable
{
    /// <summary>Reads a packet of a control channel that another tracker holds.</summary>
    /// <param name="run">Already tracked and translated, with its connection and state.</param>
    /// <returns>True when bytes of the packet changed.</returns>
    internal bool AssistTracked(ref TrackingRun run) => Assist(ref run);

    internal Expectation[] Expected() => _expectations.ToArray();

    internal void Forget(Expectation expectation) => _expectations.Remove(expectation);

    /// <summary>A control channel is gone, and what it announced.</summary>
    internal void ForgetChannel(Connection control) => _expectations.RemoveAll(control);
}
