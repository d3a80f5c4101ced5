namespace Fabric.Datapath;

/// <summary>Connections in the pinned maps of a process whose layout was another.</summary>
/// <remarks>
/// An upgrade that changes maps begins afresh, but for these: flows are decided again by the first
/// packet, whereas a connection that is forgotten is a connection that is cut. What they are after
/// this was read, the old programs know, which go on until each port has its new one: windows of
/// TCP are not checked in what was carried over.
/// </remarks>
internal sealed unsafe class EarlierConnections : IDisposable
{
    private readonly int _map;

    private EarlierConnections(int map) => _map = map;

    /// <summary>Null when there is nothing here that this process understands.</summary>
    public static EarlierConnections? TryOpen(string pins)
    {
        if (VersionOf(pins) < KernelAbi.ConnectionsSince) return null;
        var map = LibBpf.GetPinned(Path.Combine(pins, "fabric_connections"));
        if (map < 0) return null;
        if (SizesOf(map) == (sizeof(KernelTuple), sizeof(KernelConnection)))
        {
            return new EarlierConnections(map);
        }

        Libc.Close(map);
        return null;
    }

    /// <summary>Version of the pinned maps; 0: unknown.</summary>
    public static uint VersionOf(string pins)
    {
        var map = LibBpf.GetPinned(Path.Combine(pins, "fabric_settings"));
        if (map < 0) return 0;
        KernelSettings settings = default;
        uint zero = 0;
        var isKnown = SizesOf(map) == (sizeof(uint), sizeof(KernelSettings))
            && LibBpf.Lookup(map, &zero, &settings) == 0;
        Libc.Close(map);
        return isKnown ? settings.Abi : 0;
    }

    /// <summary>Copies what has not expired; returns how many.</summary>
    public int CarryTo(KernelObject kernel)
    {
        var now = KernelClock.Now();
        var count = 0;
        KernelConnections.Visit(_map, (in KernelConnection connection) =>
        {
            if (connection.Expires > now && TryCarry(kernel, connection)) count++;
        });
        return count;
    }

    private static bool TryCarry(KernelObject kernel, KernelConnection connection)
    {
        var (original, reply) = (connection.Original, connection.Reply);
        connection.Lock = 0;
        connection.IsLiberal = 1;
        connection.Policy = 0; // Numbers of policies are given out anew.
        connection.IsRelated = 0;
        connection.LimitEpoch = 0;
        if (LibBpf.Update(kernel.Connections, &original, &connection, LibBpf.UpdateNoExist) != 0)
        {
            return false;
        }

        LibBpf.Update(kernel.Replies, &reply, &original, LibBpf.UpdateNoExist);
        Interlocked.Increment(ref kernel.Settings[0].ConntrackCount);
        Interlocked.Increment(ref kernel.Zones[original.Zone].Count);
        return true;
    }

    /// <summary>Sizes of a map's keys and values in bytes.</summary>
    private static (int Key, int Value) SizesOf(int map)
    {
        const int InfoSize = 80, KeyAt = 8, ValueAt = 12;

        var info = stackalloc byte[InfoSize];
        new Span<byte>(info, InfoSize).Clear();
        uint size = InfoSize;
        return LibBpf.Describe(map, info, &size) == 0
            ? (*(int*)(info + KeyAt), *(int*)(info + ValueAt))
            : default;
    }

    public void Dispose() => Libc.Close(_map);
}
