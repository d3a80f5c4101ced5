using System.Runtime.InteropServices;

namespace Fabric.HostNode.Demo;

/// <summary>A network namespace by its name under /run/netns, entered with setns(2).</summary>
/// <remarks>
/// `ip netns exec` would also give a new mount namespace and hide bpffs; setns changes the
/// network only. A socket belongs to the namespace in which it was made, whoever uses it later.
/// </remarks>
internal sealed partial class NetworkNamespace(string name)
{
    private const int CloneNewNet = 0x4000_0000;
    private const int OpenReadOnly = 0;
    private const int OpenCloseOnExec = 0x80000;

    public string Name { get; } = name;
    public string Path => $"/run/netns/{Name}";

    /// <summary>The words that start a program inside, to put before it.</summary>
    public string[] Prefix => ["nsenter", $"--net={Path}", "--"];

    public static bool Exists(string name) => File.Exists($"/run/netns/{name}");

    public Task<string> CreateAsync() => Shell.RunOrThrowAsync("ip", "netns", "add", Name);

    /// <summary>Runs a program inside; see <see cref="Shell.RunAsync"/>.</summary>
    public Task<ShellResult> RunAsync(
        IEnumerable<string> command, TimeSpan? timeout = null,
        CancellationToken cancellation = default) =>
        Shell.RunAsync("nsenter", [.. Prefix[1..], .. command], null, timeout, cancellation);

    /// <summary>Runs `ip` inside.</summary>
    /// <exception cref="DemoException">ip failed.</exception>
    public Task<string> IpAsync(params IEnumerable<string> arguments) =>
        Shell.RunOrThrowAsync("ip", ["-n", Name, .. arguments]);

    /// <summary>Calls 'make' inside the namespace and gives back what it made.</summary>
    /// <exception cref="DemoException">The namespace cannot be entered.</exception>
    public T Inside<T>(Func<T> make)
    {
        T result = default!;
        Exception? failure = null;
        // A thread of its own, because the namespace is the thread's; it ends with the call.
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = make();
            }
            catch (Exception error)
            {
                failure = error; // Thrown again where 'make' was asked for.
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw failure;
    }

    private void Enter()
    {
        var file = open(Path, OpenReadOnly | OpenCloseOnExec);
        if (file < 0) throw new DemoException($"{Path}: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (setns(file, CloneNewNet) != 0)
            {
                throw new DemoException($"setns {Path}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
        finally
        {
            _ = close(file);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int file, int type);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}
