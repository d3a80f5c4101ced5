namespace Fabric.Configuration;

/// <summary>The lock file ".NAME.~lock~" beside a database file, locked as OVS locks it.</summary>
internal static class LogLock
{
    /// <param name="shown">The file's name in problems.</param>
    /// <exception cref="IOException">Somebody else has it, or it cannot be made.</exception>
    public static FileStream Take(string path, string shown)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder))
        {
            throw new IOException(
                $"{shown}: failed to lock lockfile (No such file or directory)");
        }

        var file = new FileStream(
            Path.Combine(folder, $".{Path.GetFileName(full)}.~lock~"), Options());
        try
        {
            if (!OperatingSystem.IsMacOS()) file.Lock(0, 0);
            return file;
        }
        catch (IOException)
        {
            file.Dispose();
            throw new IOException(
                $"{shown}: failed to lock lockfile (Resource temporarily unavailable)");
        }
    }

    private static FileStreamOptions Options()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
