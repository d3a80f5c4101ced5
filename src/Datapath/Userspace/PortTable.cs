namespace Fabric.Datapath;

/// <summary>Ports by number, for packet threads: replaced whole at each change.</summary>
internal sealed class PortTable
{
    private PacketPort?[] _ports = new PacketPort?[16];

    public PacketPort? this[uint number]
    {
        get
        {
            var ports = Volatile.Read(ref _ports);
            return number < (uint)ports.Length ? ports[number] : null;
        }
    }

    public IEnumerable<PacketPort> All => Volatile.Read(ref _ports).OfType<PacketPort>();

    /// <summary>Writers are serialised by the caller.</summary>
    public void Set(uint number, PacketPort? port)
    {
        var old = _ports;
        var fresh = new PacketPort?[Math.Max(old.Length, (int)number + 1)];
        old.CopyTo(fresh, 0);
        fresh[number] = port;
        Volatile.Write(ref _ports, fresh);
    }
}
