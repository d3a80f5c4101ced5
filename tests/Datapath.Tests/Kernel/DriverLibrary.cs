using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fabric.Datapath.Tests.Kernel;

/// <summary>driver/core compiled by clang as plain C, with a shim of the test's own.</summary>
internal sealed class DriverLibrary : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-core-").FullName;
    private readonly nint _library;

    public DriverLibrary(string shim)
    {
        var source = Path.Combine(_folder, "shim.c");
        var library = Path.Combine(_folder, "shim.so");
        File.WriteAllText(source, shim);
        using var clang = Process.Start(new ProcessStartInfo("clang")
        {
            ArgumentList =
            {
                "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-I",
                Path.Combine(Checkout.Root, "driver", "core"), "-o", library, source,
            },
        })!;
        clang.WaitForExit();
        Assert.Equal(0, clang.ExitCode);
        _library = NativeLibrary.Load(library);
    }

    public nint Find(string function) => NativeLibrary.GetExport(_library, function);

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        Directory.Delete(_folder, recursive: true);
    }
}
