using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>ct(...): send the packet through the connection tracker.</summary>
/// <param name="RecirculateTable">null: the packet goes on, untracked; else a copy goes
/// there.</param>
/// <param name="Zone">The zone when 'ZoneSource' is null.</param>
/// <param name="AlgPort">21 = ftp, 69 = tftp, 0 = none.</param>
/// <param name="Actions">exec(...): set ct_mark and ct_label. 'Nat' is apart.</param>
public sealed record OfConntrack(
    bool Commit, bool Force, byte? RecirculateTable, ushort Zone, Subfield? ZoneSource,
    ushort AlgPort, OfNat? Nat, ActionList Actions) : OfAction
{
    /// <summary>A bare ct: zone 0, nothing committed.</summary>
    public OfConntrack() : this(false, false, null, 0, null, 0, null, ActionList.Empty) { }
}

/// <summary>nat(...) inside ct: without source or destination, "as the connection says".</summary>
/// <param name="AddressMax">null: one address.</param>
/// <param name="PortMin">0: keep ports.</param>
public sealed record OfNat(
    OfNatType Type, IPAddress? AddressMin = null, IPAddress? AddressMax = null,
    ushort PortMin = 0, ushort PortMax = 0, bool Persistent = false, bool HashPorts = false,
    bool RandomPorts = false);

/// <summary>Address families without the sockets' names for them.</summary>
internal static class OfAddress
{
    /// <summary>Not above 'last'; addresses of two families are neither.</summary>
    public static bool IsUpTo(this IPAddress first, IPAddress last)
    {
        Span<byte> left = stackalloc byte[16];
        Span<byte> right = stackalloc byte[16];
        return first.TryWriteBytes(left, out var size) && last.TryWriteBytes(right, out var other)
            && size == other && left[..size].SequenceCompareTo(right[..size]) <= 0;
    }

    public static bool IsIpv6(this IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var count) && count == 16;
    }
}

public enum OfNatType : byte { None, Source, Destination }

public sealed record OfConntrackClear : OfAction;
