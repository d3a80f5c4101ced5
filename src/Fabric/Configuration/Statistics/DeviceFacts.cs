using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Fabric.Configuration;

/// <summary>What a network device's driver says of it; empty where there is none to ask.</summary>
/// <param name="BitsPerSecond">Null: not known.</param>
/// <param name="Duplex">"full", "half" or null.</param>
/// <param name="Driver">driver_name, driver_version and firmware_version.</param>
public sealed partial record DeviceFacts(
    long? BitsPerSecond, string? Duplex, ImmutableSortedDictionary<string, string> Driver)
{
    private const int InternetFamily = 2;
    private const int Datagram = 2;
    private const nuint EthtoolRequest = 0x8946; // SIOCETHTOOL
    private const uint GetDriver = 3; // ETHTOOL_GDRVINFO
    private const int DriverInfoSize = 196; // struct ethtool_drvinfo
    private const int TextSize = 32;
    private const int NameSizeMax = 15;

    public static DeviceFacts None { get; } =
        new(null, null, ImmutableSortedDictionary<string, string>.Empty);

    /// <param name="device">Name of a device of this host.</param>
    public static DeviceFacts Read(string device)
    {
        if (!OperatingSystem.IsLinux() || device.Length > NameSizeMax) return None;
        var speed = long.TryParse(
            Attribute(device, "speed"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var megabits) && megabits > 0 ? megabits * 1_000_000 : (long?)null;
        var duplex = Attribute(device, "duplex");
        return new DeviceFacts(
            speed, duplex is "full" or "half" ? duplex : null, DriverOf(device));
    }

    private static string? Attribute(string device, string name)
    {
        try
        {
            return File.ReadAllText($"/sys/class/net/{device}/{name}").Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // A link that is down has no speed.
        }
    }

    private static unsafe ImmutableSortedDictionary<string, string> DriverOf(string device)
    {
        var all = ImmutableSortedDictionary<string, string>.Empty;
        var socket = Open(InternetFamily, Datagram, 0);
        if (socket < 0) return all;
        var info = stackalloc byte[DriverInfoSize];
        var request = stackalloc byte[40]; // struct ifreq
        new Span<byte>(info, DriverInfoSize).Clear();
        new Span<byte>(request, 40).Clear();
        *(uint*)info = GetDriver;
        Encoding.ASCII.GetBytes(device, new Span<byte>(request, NameSizeMax));
        *(byte**)(request + 16) = info;
        if (Ask(socket, EthtoolRequest, request) == 0)
        {
            all = all.Add("driver_name", TextAt(info + 4))
                .Add("driver_version", TextAt(info + 4 + TextSize))
                .Add("firmware_version", TextAt(info + 4 + (2 * TextSize)));
        }

        Close(socket);
        return all;
    }

    private static unsafe string TextAt(byte* bytes)
    {
        var text = new ReadOnlySpan<byte>(bytes, TextSize);
        var end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Open(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int Ask(int socket, nuint request, byte* argument);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int socket);
}
