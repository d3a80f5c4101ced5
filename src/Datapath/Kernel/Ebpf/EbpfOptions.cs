using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>How an eBPF datapath is made.</summary>
public sealed record EbpfOptions
{
    /// <summary>Rows of packets in hand, which no flow owns.</summary>
    internal const uint RowsReserved = KernelAbi.Executions + 1;

    /// <summary>Packets of one port that may wait for the host node.</summary>
    internal const uint UpcallsPerPort = 1024;

    /// <summary>
    /// Folder on a bpffs where programs, maps and links outlive the process; null: they end with
    /// it.
    /// </summary>
    public string? PinFolder { get; init; }

    /// <summary>Flows in the kernel; further ones take the slow path.</summary>
    public int FlowsMax { get; init; } = 131_072;

    /// <summary>Connections in the kernel; memory is taken as they come.</summary>
    public int ConnectionsMax { get; init; } = 1_048_576;

    /// <summary>Attach by clsact even where the kernel has tcx.</summary>
    public bool IsWithoutTcx { get; init; }

    /// <summary>Keep ports, flows and connections when the datapath is closed in order.</summary>
    public bool IsKeptOnClose { get; init; } = true;

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

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
