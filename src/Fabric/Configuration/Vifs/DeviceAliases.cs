using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>Aliases of Linux' network devices ("ip link set DEV alias TEXT").</summary>
public static class DeviceAliases
{
    private const string Folder = "/sys/class/net";

    /// <summary>Devices whose alias has an interface id; none where there is no such folder.
    /// </summary>
    public static ImmutableArray<NamedDevice> Read()
    {
        if (!Directory.Exists(Folder)) return [];
        var devices = ImmutableArray.CreateBuilder<NamedDevice>();
        foreach (var path in Directory.EnumerateFileSystemEntries(Folder))
        {
            if (IdOf(path) is { } id) devices.Add(new NamedDevice(Path.GetFileName(path), id));
        }

        return devices.ToImmutable();
    }

    private static string? IdOf(string path)
    {
        try
        {
            return AliasVifRows.IdOf(File.ReadAllText(Path.Combine(path, "ifalias")));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // The device went while it was looked at.
        }
    }
}
