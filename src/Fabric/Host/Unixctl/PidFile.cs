using System.Globalization;

namespace Fabric.Host;

/// <summary>A daemon's pidfile: the pid and a newline, under a write lock while it lives.</summary>
/// <remarks>
/// ovs-appctl asks with F_GETLK who holds the lock and refuses a file that is not locked by the pid
/// it names. <see cref="FileStream.Lock"/> is such an fcntl lock; it ends when any descriptor of
/// the file is closed in this process, so nobody here may open it again.
/// </remarks>
public sealed class PidFile : IDisposable
{
    private readonly FileStream _file;
    private readonly string _path;

    private PidFile(string path, FileStream file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Creates and locks the file.</summary>
    /// <exception cref="IOException">Another process holds it.</exception>
    public static PidFile Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var file = new FileStream(
            path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (!OperatingSystem.IsMacOS()) file.Lock(0, 0);
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            file.Flush();
            return new PidFile(path, file);
        }
        catch (IOException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The pid in a file that another process holds; 0 if there is none.</summary>
    public static int ReadPid(string path)
    {
        try
        {
            return int.TryParse(File.ReadAllText(path).Trim(), out var pid) ? pid : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public void Dispose()
    {
        // A successor's file is not ours to remove.
        var own = $"{Environment.ProcessId}";
        using (_file)
        {
            if (File.Exists(_path) && File.ReadAllText(_path).Trim() == own) File.Delete(_path);
        }
    }
}
