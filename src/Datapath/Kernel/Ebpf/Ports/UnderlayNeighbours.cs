namespace Fabric.Datapath;

/// <summary>Neighbours of an underlay that leads through the host's own switch.</summary>
/// <remarks>
/// Where an internal port carries the underlay's address, the questions for link addresses and
/// their answers are packets with flows like any other, and flows that rest go away. A host node
/// that stays away would take its host's network along as soon as a neighbour has to be asked. So
/// they are asked all the time, and their flows are in the kernel when they are needed.
/// </remarks>
internal sealed class UnderlayNeighbours(RouteSocket routes, EbpfPorts ports, StepSpecs specs)
{
    /// <summary>Well below the ten seconds after which a flow that rests is removed.</summary>
    private const int SecondsBetweenQuestions = 3;

    private int _second;

    /// <summary>Once a second.</summary>
    public void KeepAlive()
    {
        if (_second++ % SecondsBetweenQuestions != 0) return;
        var devices = ports.InternalDevices();
        if (devices.Count == 0) return;
        foreach (var (device, address) in specs.NextHops())
        {
            if (devices.Contains(device)) routes.Probe(device, address);
        }
    }
}
