using System.Runtime.InteropServices;

namespace Fabric.Benchmarks;

/// <summary>Work on a thread of its own, whose network is a namespace.</summary>
internal static partial class NamespaceThread
{
    private const int NewNetwork = 0x4000_0000;

    /// <exception cref="InvalidOperationException">What the body threw.</exception>
    public static void Run(string space, Action body)
    {
        Exception? fault = null;
        var thread = Start(space, () =>
        {
            try
            {
                body();
            }
            catch (InvalidOperationException error)
            {
                fault = error;
            }
        });
        thread.Join();
        if (fault is not null) throw fault;
    }

    /// <summary>The same, without waiting for its end.</summary>
    public static Thread Start(string space, Action body)
    {
        var thread = new Thread(() =>
        {
            using var file = File.OpenHandle($"/run/netns/{space}");
            if (Enter((int)file.DangerousGetHandle(), NewNetwork) == 0) body();
        })
        {
            IsBackground = true,
        };
        thread.Start();
        return thread;
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int Enter(int descriptor, int kind);
}
