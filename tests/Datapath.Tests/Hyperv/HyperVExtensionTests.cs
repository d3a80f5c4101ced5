namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>The Hyper-V extension (driver/hyperv) in user mode, under the sanitizers.</summary>
/// <remarks>
/// Goal: nothing that a kernel would not forgive. Method: the extension's sources, all but the
/// entry that calls the kernel, run against a double of NDIS and of the switch, which checks that
/// each buffer comes back once; the tests themselves are C (driver/hyperv/tests).
/// </remarks>
public sealed class HyperVExtensionTests : IDisposable
{
    private static readonly bool IsFull =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") is { Length: > 0 };

    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-hyperv-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("extension_test.c", "17 tests passed")]
    [InlineData("branch_test.c", "6 tests passed")]
    [InlineData("stateful_test.c", "8 tests passed")]
    [InlineData("tunnel_test.c", "11 tests passed")]
    [InlineData("life_test.c", "2 tests passed")]
    [InlineData("switch_test.c", "7 tests passed")]
    [InlineData("fragment_test.c", "6 tests passed")]
    public void It_survives_traffic_detach_and_every_failed_allocation_under_the_sanitizers(
        string test, string lastLine) =>
        Assert.Contains(
            lastLine, ExtensionBuild.Run(ExtensionBuild.Compile(test, isSanitized: true)));

    [Fact]
    public void It_survives_bent_messages_and_frames()
    {
        var count = IsFull ? 1_000_000 : 50_000;
        Assert.Contains($"{count} inputs",
            ExtensionBuild.Run(ExtensionBuild.Compile("fuzz.c", isSanitized: true), $"{count}"));
    }

    [Theory]
    [InlineData("extension_test.c", "17 tests passed")]
    [InlineData("branch_test.c", "6 tests passed")]
    [InlineData("stateful_test.c", "8 tests passed")]
    [InlineData("tunnel_test.c", "11 tests passed")]
    [InlineData("life_test.c", "2 tests passed")]
    [InlineData("switch_test.c", "7 tests passed")]
    [InlineData("fragment_test.c", "6 tests passed")]
    public void Valgrind_finds_no_leak_and_no_bad_reference(string test, string lastLine)
    {
        var program = ExtensionBuild.Compile(test, isSanitized: false);
        Assert.Contains(lastLine, ExtensionBuild.Run(
            "valgrind", "-q", "--error-exitcode=9", "--leak-check=full", program));
    }

    [Fact]
    public void Both_builds_take_every_source_file()
    {
        var project = File.ReadAllText(Path.Combine(ExtensionBuild.Source, "fabricext.vcxproj"));
        var script = File.ReadAllText(Path.Combine(ExtensionBuild.Source, "build-sys"));
        var folders = Directory.GetDirectories(ExtensionBuild.Source)
            .Where(folder => Directory.EnumerateFiles(folder, "*.c").Any())
            .Select(folder => Path.GetFileName(folder))
            .Where(name => name is not ("double" or "tests")).ToArray();
        Assert.NotEmpty(folders);
        Assert.All(folders, name => Assert.Contains($"{name}\\*.c", project));
        var named = script.Split('{', '}')
            .First(part => part.StartsWith("switch,", StringComparison.Ordinal)).Split(',');
        Assert.Equal(folders.Order(), named.Order());
        // The two builds name objects by their file: no two files may share a name.
        var names = folders.SelectMany(name => Directory.GetFiles(
            Path.Combine(ExtensionBuild.Source, name), "*.c")).Select(Path.GetFileName).ToArray();
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    [Fact]
    public void All_of_it_links_as_a_64_bit_kernel_image()
    {
        var image = ExtensionBuild.Run(
            Path.Combine(ExtensionBuild.Source, "build-sys"), _folder).Trim();
        var headers = ExtensionBuild.Run("x86_64-w64-mingw32-objdump", "-p", image);
        Assert.Contains("(NT native)", headers);
        Assert.Contains("DLL Name: ndis.sys", headers);
        Assert.Contains("DLL Name: ntoskrnl.exe", headers);
        // Nothing but the kernel's own libraries is imported.
        Assert.Equal(2, headers.Split("DLL Name:").Length - 1);
    }
}
