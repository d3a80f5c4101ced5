using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>The value of a set action, to and from the fields of a FlowKey.</summary>
internal static class OvsSetValue
{
    private const int SizeMax = 512;

    public static EquatableArray<byte> Encode(OvsKey key, in FlowKey values, bool isMask)
    {
        Span<byte> bytes = stackalloc byte[SizeMax];
        if (key == OvsKey.Tunnel)
        {
            var writer = new NetlinkWriter(bytes);
            OvsTunnelKey.Write(ref writer, in values, in values, isMask, OvsKeyForm.Compact);
            return EquatableArray.Create<byte>(writer.Written);
        }

        if (key == OvsKey.Mpls)
        {
            System.Runtime.InteropServices.MemoryMarshal.Write(bytes, in values.Mpls0Wire);
            return EquatableArray.Create<byte>(bytes[..4]);
        }

        var size = OvsKeyValue.Write(key, in values, isMask, bytes);
        return EquatableArray.Create<byte>(bytes[..size]);
    }

    public static bool TryDecode(
        OvsKey key, ReadOnlySpan<byte> value, bool isMask, out FlowKey values)
    {
        values = default;
        var hasUnknown = false;
        switch (key)
        {
            case OvsKey.Tunnel:
                return OvsTunnelKey.TryRead(value, isMask, ref values, ref hasUnknown, out _)
                    && !hasUnknown;
            case OvsKey.Mpls:
                if (value.Length != 4) return false;
                values.Mpls0Wire = System.Runtime.InteropServices.MemoryMarshal.Read<uint>(value);
                return true;
            default:
                return OvsKeyValue.Read(key, value, isMask, ref values) == NetlinkFaultKind.None;
        }
    }
}
