using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>What lies pinned on a bpffs.</summary>
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
        var devices = DevicesOf(folder);
        if (RouteSocket.TryOpen(out error) is not { } routes) return false;
        using (routes)
        using (var attachments = new Attachments(pins: null, isWithoutTcx: true))
        {
            foreach (var link in routes.Links())
            {
                attachments.DetachFilters(link.Index);
                var isOurs = link.Name.StartsWith("fxp", StringComparison.Ordinal)
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

    private static string NamespaceNumber()
    {
        var link = new FileInfo("/proc/thread-self/ns/net").LinkTarget ?? "";
        return new string(link.Where(char.IsAsciiDigit).ToArray());
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(
        string source, string target, string type, nuint flags, nint data);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFileSystem(string path, long* status);
}
