using System.Globalization;
using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>What lies pinned on a bpffs.</summary>
/// <remarks>
/// A folder belongs to one host in one network namespace. The namespace is named by its cookie,
/// which the kernel gives out once: its inode number is given to the next namespace when one goes,
/// which would then take over flows and ports of a stranger.
/// </remarks>
public static unsafe partial class EbpfPins
{
    public const string Root = "/sys/fs/bpf";
    private const long BpfMagic = 0xcafe4a11;

    /// <summary>The folder of one host in the network namespace of the caller.</summary>
    public static string FolderOf(string hostId) =>
        Path.Combine(Root, "fabric", $"{hostId}@{NamespaceNumber()}");

    /// <summary>Folders of all hosts and namespaces.</summary>
    public static IReadOnlyList<string> All() =>
        Directory.Exists(Path.Combine(Root, "fabric"))
            ? Directory.GetDirectories(Path.Combine(Root, "fabric"))
            : [];

    /// <summary>Removes every pin of a host; what nothing else holds goes away with it.</summary>
    public static bool Remove(string folder)
    {
        if (!Directory.Exists(folder)) return false;
        Directory.Delete(folder, recursive: true);
        return true;
    }

    /// <summary>Folders of the network namespace of the caller.</summary>
    public static IReadOnlyList<string> Here() =>
        [.. All().Where(folder => folder.EndsWith($"@{NamespaceNumber()}",
            StringComparison.Ordinal))];

    /// <summary>
    /// Takes a host's programs off its devices, removes the devices that were made for it, and its
    /// pins; what others own stays. For the namespace of the caller.
    /// </summary>
    public static bool Uninstall(string folder, out string error)
    {
        error = "";
        if (!Directory.Exists(folder)) return false;
        LibBpf.SetPrint(0); // Devices without a filter of ours are no news.
        var devices = DevicesOf(folder);
        if (RouteSocket.TryOpen(out error) is not { } routes) return false;
        using (routes)
        using (var attachments = new Attachments(pins: null, isWithoutTcx: true))
        {
            foreach (var link in routes.Links())
            {
                attachments.DetachFilters(link.Index);
                var isOurs = HiddenDevice.Is(link.Name)
                    || link.Name.StartsWith("fxi", StringComparison.Ordinal);
                if (isOurs && devices.Contains(link.Index)) routes.TryDelete(link.Index, out _);
            }
        }

        return Remove(folder);
    }

    /// <summary>Devices that the pinned maps name: of ports, and for sending.</summary>
    private static HashSet<int> DevicesOf(string folder)
    {
        var devices = new HashSet<int>();
        var map = LibBpf.GetPinned(Path.Combine(folder, "fabric_settings"));
        uint zero = 0;
        KernelSettings settings;
        if (map >= 0)
        {
            if (LibBpf.Lookup(map, &zero, &settings) == 0)
            {
                devices.Add((int)settings.InjectDevice);
            }

            Libc.Close(map);
        }

        map = LibBpf.GetPinned(Path.Combine(folder, "fabric_ports"));
        if (map < 0) return devices;
        using var ports = MappedArray<KernelPort>.TryMap(
            map, KernelAbi.PortsMax, (uint)sizeof(KernelPort));
        Libc.Close(map);
        for (var number = 0; ports is not null && number < ports.Count; number++)
        {
            if (ports[number].Kind == KernelPortKind.Device)
            {
                devices.Add((int)ports[number].Device);
            }
        }

        return devices;
    }

    internal static void RemoveMaps(string folder)
    {
        foreach (var file in Directory.GetFiles(folder)) File.Delete(file);
    }

    internal static bool TryMakeFolder(string folder, out string error)
    {
        error = "";
        try
        {
            if (!IsBpfFileSystem(Root) && folder.StartsWith(Root, StringComparison.Ordinal))
            {
                Directory.CreateDirectory(Root);
                if (Mount("bpf", Root, "bpf", 0, 0) != 0)
                {
                    error = $"no bpffs at {Root}: {Libc.LastErrorText()}";
                    return false;
                }
            }

            Directory.CreateDirectory(Path.Combine(folder, "links"));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"cannot pin at {folder}: {e.Message}";
            return false;
        }
    }

    private static bool IsBpfFileSystem(string path)
    {
        var status = stackalloc long[32];
        return StatFileSystem(path, status) == 0 && (status[0] & 0xffffffff) == BpfMagic;
    }

    /// <summary>
    /// Removes what this host left in namespaces that are gone: devices that programs were linked
    /// to are no more. Without tcx nothing tells, and the pins stay.
    /// </summary>
    /// <param name="folder">The host's folder in the namespace of the caller: it stays.</param>
    internal static void RemoveDead(string folder)
    {
        var at = folder.LastIndexOf('@');
        if (at < 0 || Path.GetDirectoryName(folder) is not { } root) return;
        if (!Directory.Exists(root)) return;
        var prefix = folder[..(at + 1)];
        foreach (var other in Directory.GetDirectories(root))
        {
            if (other == folder || !other.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var links = Path.Combine(other, "links");
            var pins = Directory.Exists(links) ? Directory.GetFiles(links) : [];
            if (pins.Length > 0 && pins.All(pin => LinkedDevice(pin) == 0)) Remove(other);
        }
    }

    /// <summary>Index of the device that a pinned tcx link is at; 0: gone, -1: unknown.</summary>
    private static int LinkedDevice(string pin)
    {
        const int InfoSize = 64, DeviceOffset = 16;

        var link = LibBpf.GetPinned(pin);
        if (link < 0) return -1;
        var info = stackalloc byte[InfoSize];
        new Span<byte>(info, InfoSize).Clear();
        uint size = InfoSize;
        var result = LibBpf.Describe(link, info, &size);
        Libc.Close(link);
        return result == 0 && *(uint*)info == LibBpf.LinkTcx ? *(int*)(info + DeviceOffset) : -1;
    }

    /// <summary>Socket option of Linux 5.14; before, the inode number must do.</summary>
    private static string NamespaceNumber()
    {
        const int NamespaceCookie = 71, FamilyUnix = 1, Datagram = 2;

        var socket = Libc.Socket(FamilyUnix, Datagram | LinuxNumbers.SocketCloseOnExec, 0);
        if (socket >= 0)
        {
            ulong cookie = 0;
            var size = sizeof(ulong);
            var result = GetSocketOption(
                socket, LinuxNumbers.LevelSocket, NamespaceCookie, &cookie, &size);
            Libc.Close(socket);
            if (result == 0) return cookie.ToString(CultureInfo.InvariantCulture);
        }

        var link = new FileInfo("/proc/thread-self/ns/net").LinkTarget ?? "";
        return new string(link.Where(char.IsAsciiDigit).ToArray());
    }

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSocketOption(
        int descriptor, int level, int name, void* value, int* size);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(
        string source, string target, string type, nuint flags, nint data);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFileSystem(string path, long* status);
}
