using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace Fabric.Datapath;

/// <summary>What a device does for tunnelled super-packets by itself (ethtool -k).</summary>
/// <param name="Udp">tx-udp_tnl-segmentation: VXLAN and Geneve.</param>
/// <param name="UdpChecksum">tx-udp_tnl-csum-segmentation: with outer UDP checksums.</param>
/// <param name="Gre">tx-gre-segmentation.</param>
public sealed record TunnelOffload(string Device, bool Udp, bool UdpChecksum, bool Gre)
{
    public override string ToString() =>
        $"tx-udp_tnl-segmentation {Word(Udp)}, tx-udp_tnl-csum-segmentation {Word(UdpChecksum)}, "
        + $"tx-gre-segmentation {Word(Gre)}";

    private static string Word(bool isOn) => isOn ? "on" : "off";
}

/// <summary>Asks devices for their offloads.</summary>
/// <remarks>
/// The programs hand super-packets on whole, marked as tunnelled: a device that has the offload
/// cuts them, for all others the kernel does.
/// </remarks>
public static unsafe partial class TunnelOffloads
{
    private const uint GetSetInfo = 0x37, GetStrings = 0x1b, GetFeatures = 0x3a;
    private const int FeatureSet = 4, NameSize = 32, CountMax = 1024;

    /// <summary>Of a device of the caller's network namespace; null: it does not say.</summary>
    public static TunnelOffload? Of(string device)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var socket = Libc.Socket(
            LinuxNumbers.FamilyInet, 2 | LinuxNumbers.SocketCloseOnExec, 0);
        if (socket < 0) return null;
        try
        {
            return Names(socket, device) is { } names && Active(socket, device, names.Length)
                is { } active
                ? new TunnelOffload(
                    device, Has("tx-udp_tnl-segmentation"), Has("tx-udp_tnl-csum-segmentation"),
                    Has("tx-gre-segmentation"))
                : null;

            bool Has(string name)
            {
                var at = Array.IndexOf(names, name);
                return at >= 0 && (active[at / 32] & (1u << (at % 32))) != 0;
            }
        }
        finally
        {
            Libc.Close(socket);
        }
    }

    /// <summary>Of all devices that are hardware, as far as the kernel knows.</summary>
    public static ImmutableArray<TunnelOffload> OfHardware()
    {
        const string Root = "/sys/class/net";

        if (!Directory.Exists(Root)) return [];
        return
        [
            .. Directory.GetDirectories(Root)
                .Where(folder => Directory.Exists(Path.Combine(folder, "device")))
                .Select(folder => Of(Path.GetFileName(folder))).OfType<TunnelOffload>(),
        ];
    }

    private static string[]? Names(int socket, string device)
    {
        Span<byte> info = stackalloc byte[20];
        info.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(info, GetSetInfo);
        BinaryPrimitives.WriteUInt64LittleEndian(info[8..], 1 << FeatureSet);
        if (!TryAsk(socket, device, info)) return null;
        var count = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(info[16..]), CountMax);
        var strings = new byte[12 + (count * NameSize)];
        BinaryPrimitives.WriteUInt32LittleEndian(strings, GetStrings);
        BinaryPrimitives.WriteUInt32LittleEndian(strings.AsSpan(4), FeatureSet);
        BinaryPrimitives.WriteUInt32LittleEndian(strings.AsSpan(8), (uint)count);
        if (!TryAsk(socket, device, strings)) return null;
        var names = new string[count];
        for (var i = 0; i < count; i++)
        {
            var name = strings.AsSpan(12 + (i * NameSize), NameSize);
            names[i] = Encoding.ASCII.GetString(name.TrimEnd((byte)0));
        }

        return names;
    }

    private static uint[]? Active(int socket, string device, int count)
    {
        const int BlockSize = 16, ActiveAt = 8;

        var blocks = (count + 31) / 32;
        var bytes = new byte[8 + (blocks * BlockSize)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, GetFeatures);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), (uint)blocks);
        if (!TryAsk(socket, device, bytes)) return null;
        var active = new uint[blocks];
        for (var i = 0; i < blocks; i++)
        {
            active[i] = BinaryPrimitives.ReadUInt32LittleEndian(
                bytes.AsSpan(8 + (i * BlockSize) + ActiveAt));
        }

        return active;
    }

    /// <summary>struct ifreq with a pointer to an ethtool request.</summary>
    private static bool TryAsk(int socket, string device, Span<byte> request)
    {
        const nuint EthtoolRequest = 0x8946;
        const int RequestSize = 40, DataAt = 16;

        if (device.Length is 0 or > NetworkDevice.NameSizeMax) return false;
        var own = stackalloc byte[RequestSize];
        new Span<byte>(own, RequestSize).Clear();
        Encoding.UTF8.GetBytes(device, new Span<byte>(own, NetworkDevice.NameSizeMax));
        fixed (byte* data = request)
        {
            *(byte**)(own + DataAt) = data;
            return Control(socket, EthtoolRequest, own) == 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, nuint request, void* argument);
}
