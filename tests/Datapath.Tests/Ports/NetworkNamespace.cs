using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fabric.Datapath.Tests;

/// <summary>Named network namespaces, and code that runs inside one; all gone at the end.</summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int NewNetwork = 0x4000_0000;

    private static int _count;

    public NetworkNamespace()
    {
        Name = $"fx-datapath-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}";
        Shell($"ip netns add {Name} && ip -n {Name} link set lo up");
    }

    public string Name { get; }

    /// <summary>Null when namespaces and devices can be made here; else what is missing.</summary>
    public static string? Missing
    {
        get
        {
            if (!OperatingSystem.IsLinux()) return "needs Linux";
            if (GetEffectiveUser() != 0) return "needs root";
            return File.Exists("/dev/net/tun") ? null : "needs /dev/net/tun";
        }
    }

    /// <summary>Runs 'body' on a thread of its own whose network is this namespace.</summary>
    public void Run(Action body)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var file = File.OpenHandle($"/run/netns/{Name}");
                var result = Enter((int)file.DangerousGetHandle(), NewNetwork);
                Assert.True(result == 0, "setns failed");
                body();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new InvalidOperationException(failure.Message, failure);
    }

    /// <summary>Runs a command in this namespace; its output, whatever its exit code.</summary>
    public string Exec(string command) => Shell($"ip netns exec {Name} {command}");

    public static string Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command + " 2>&1"])
        {
            RedirectStandardOutput = true,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    public void Dispose() => Shell($"ip netns del {Name}");

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int Enter(int descriptor, int kind);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();
}
