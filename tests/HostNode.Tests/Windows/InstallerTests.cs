using System.Diagnostics;
using System.Reflection.PortableExecutable;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>The MSI as its tables say it is.</summary>
/// <remarks>
/// The program is published for win-x64 (self-contained, one file) in every run; with
/// `FABRIC_TEST_FULL=1` compiled ahead of time and compressed too, as it is delivered. wixl and
/// msitools are Debian packages.
/// </remarks>
public sealed class InstallerTests : IClassFixture<InstallerTests.Package>
{
    private readonly Package _package;

    public InstallerTests(Package package) => _package = package;

    [Fact]
    public void The_service_starts_by_itself_and_again_after_a_crash()
    {
        var service = _package.Row("ServiceInstall", "FabricService");
        Assert.Equal("Fabric", service[1]);
        Assert.Equal("2", service[4]);
        Assert.Equal(
            "service run --config \"[CommonAppDataFolder]Fabric\\fabric.conf\"", service[10]);
        var failure = _package.Row("MsiServiceConfigFailureActions", "FabricFailure");
        Assert.Equal("1[~]1[~]1", failure[6]);
        Assert.Equal("1000[~]5000[~]30000", failure[7]);
    }

    [Fact]
    public void Removal_stops_and_deletes_the_service()
    {
        const int Start = 1, Stop = 2, StopAtRemoval = 0x20, Delete = 0x80;
        var events = int.Parse(_package.Row("ServiceControl", "FabricControl")[2]);
        Assert.Equal(Start | Stop | StopAtRemoval | Delete, events);
    }

    [Fact]
    public void The_program_is_on_the_path_of_all_and_leaves_it_again()
    {
        var path = _package.Row("Environment", "FabricPath");
        Assert.Equal(["=-*PATH", "[~];[INSTALLDIR]", "Program"], path[1..]);
        foreach (var action in (string[])["WriteEnvironmentStrings", "RemoveEnvironmentStrings"])
        {
            Assert.NotEmpty(_package.Row("InstallExecuteSequence", action));
        }
    }

    [Fact]
    public void A_newer_version_replaces_an_older_one_and_not_the_other_way_round()
    {
        var rows = _package.Rows("Upgrade");
        Assert.Contains(rows, row => row[6] == "WIX_UPGRADE_DETECTED" && row[2] == "0.1.0");
        Assert.Contains(rows, row => row[6] == "WIX_DOWNGRADE_DETECTED" && row[1] == "0.1.0");
        Assert.NotEmpty(_package.Row("InstallExecuteSequence", "RemoveExistingProducts"));
    }

    [Fact]
    public void The_configuration_is_the_operators()
    {
        const int Permanent = 16, NeverOverwrite = 128, Win64 = 256;
        var attributes = int.Parse(_package.Row("Component", "Configuration")[3]);
        Assert.Equal(Permanent | NeverOverwrite | Win64, attributes);
    }

    [Fact]
    public void Events_have_texts_and_files_their_places()
    {
        Assert.Contains(_package.Rows("Registry"), row =>
            row[3] == "EventMessageFile" && row[4].Contains("EventCreate.exe"));
        var files = _package.Rows("File").Select(row => row[2].Split('|')[^1]).Order().ToArray();
        Assert.Equal(
            ["Fabric.psd1", "Fabric.psm1", "LICENSE.txt", "fabric.conf", "fabric.exe"],
            files.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_package_has_at_most_100_megabytes() =>
        Assert.InRange(_package.Size, 1, 100L * 1024 * 1024);

    /// <summary>An image for 64-bit Windows that has the whole runtime in it.</summary>
    [Fact]
    public void The_program_is_one_file_for_windows()
    {
        var program = _package.Extract("fabric.exe");
        using var image = new PEReader(File.OpenRead(program));
        Assert.Equal(Machine.Amd64, image.PEHeaders.CoffHeader.Machine);
        Assert.Equal(Subsystem.WindowsCui, image.PEHeaders.PEHeader!.Subsystem);
        Assert.InRange(new FileInfo(program).Length, 30L << 20, 300L << 20);
    }

    /// <summary>One package for all tests.</summary>
    public sealed class Package : IDisposable
    {
        private readonly string _folder =
            Directory.CreateTempSubdirectory("fx-windows-msi-").FullName;
        private readonly string _path;

        public Package()
        {
            Run(Path.Combine(Checkout.Root, "packaging", "msi", "build"), [_folder]);
            _path = Directory.GetFiles(_folder, "*.msi").Single();
        }

        public long Size => new FileInfo(_path).Length;

        public string[][] Rows(string table) => Run("msiinfo", ["export", _path, table])
            .Split('\n').Skip(3).Select(line => line.TrimEnd('\r').Split('\t'))
            .Where(row => row.Length > 1).ToArray();

        public string[] Row(string table, string key) =>
            Rows(table).FirstOrDefault(row => row[0] == key) ?? [];

        /// <summary>Path of a file of the package, by its name there.</summary>
        public string Extract(string name)
        {
            var folder = Path.Combine(_folder, "files");
            Run("msiextract", ["-C", folder, _path]);
            return Directory.GetFiles(folder, name, SearchOption.AllDirectories).Single();
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        private static string Run(string program, string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            var isFull = Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";
            if (!isFull) start.Environment["QUICK"] = "1";
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program}: {errors.Result}");
            return output;
        }
    }
}
