using System.Diagnostics;

namespace Fabric.HostNode.Tests;

/// <summary>The Debian package: its scripts, its page and, with --full, itself.</summary>
public sealed class DebianPackageTests
{
    private static readonly string Folder = Path.Combine(Checkout.Root, "packaging", "deb");

    private static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    [Theory]
    [InlineData("build", "bash")]
    [InlineData("postinst", "sh")]
    [InlineData("prerm", "sh")]
    [InlineData("postrm", "sh")]
    public void Scripts_are_read_by_their_shell(string script, string shell)
    {
        var answer = Run(shell, "-n", Path.Combine(Folder, script));
        Assert.True(answer.ExitCode == 0, answer.Output);
    }

    [Fact]
    public async Task The_page_names_every_verb_of_the_help()
    {
        var page = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "man", "fabric.8"))
            .Replace("\\", "");
        var help = (await CommandLine.RunAsync(["--help"])).Output;
        var verbs = help[help.IndexOf("Commands:", StringComparison.Ordinal)..]
            .Split('\n').Skip(1)
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ')
            .Select(line => line.Trim().Split(' ')[0]).ToArray();
        Assert.NotEmpty(verbs);
        Assert.All(verbs, verb => Assert.Contains(verb, page, StringComparison.Ordinal));
    }

    /// <remarks>Publishes ahead-of-time code for minutes: the check of `--full` runs.</remarks>
    [Fact]
    public void What_is_packed_starts_without_an_installed_runtime()
    {
        if (Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") is not { Length: > 0 })
        {
            Assert.Contains("/etc/fabric/fabric.conf", File.ReadAllText(
                Path.Combine(Folder, "build")));
            return;
        }

        var folder = Directory.CreateTempSubdirectory("fabric-deb-").FullName;
        try
        {
            var built = Run(Path.Combine(Folder, "build"), folder);
            Assert.True(built.ExitCode == 0, built.Output);
            var tree = Path.Combine(folder, "tree");
            Assert.Equal(0, Run("dpkg-deb", "-x", built.Output.Trim(), tree).ExitCode);
            var answer = Run("env", "-i", "PATH=/usr/bin:/bin",
                Path.Combine(tree, "usr/lib/fabric/Fabric.HostNode"), "doctor");
            Assert.True(answer.ExitCode is 0 or 1, answer.Output);
            Assert.Contains("kernel", answer.Output);
            Assert.InRange(new FileInfo(built.Output.Trim()).Length, 1, 100_000_000);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
