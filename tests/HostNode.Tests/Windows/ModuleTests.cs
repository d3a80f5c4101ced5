using System.Text.RegularExpressions;
using Fabric.HostNode.Composition;
using Fabric.HostNode.Pki;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>The PowerShell module, as far as it can be read without PowerShell.</summary>
public sealed partial class ModuleTests
{
    private static readonly string s_folder =
        Path.Combine(Checkout.Root, "packaging", "powershell", "Fabric");

    private static readonly string s_module =
        File.ReadAllText(Path.Combine(s_folder, "Fabric.psm1"));

    /// <summary>With certificates where the guide has them made.</summary>
    [Theory]
    [InlineData("", "on", new string[0])]
    [InlineData("\"192.0.2.10\"", "off", new[] { "192.0.2.10:2552" })]
    public void The_configuration_that_it_writes_makes_a_host_of_a_cluster(
        string seeds, string form, string[] expected)
    {
        var folder = Directory.CreateTempSubdirectory("fx-windows-ps-").FullName;
        try
        {
            var authority = new CertificateAuthority(folder, TimeProvider.System);
            authority.Init("Fabric cluster");
            authority.Issue("hv2", ["192.0.2.11"], ["voter"]);
            var text = Configuration().Match(s_module).Groups[1].Value
                .Replace("$HostId", "hv2").Replace("$EncapIp", "192.0.2.11")
                .Replace("$form", form).Replace("$seeds", seeds).Replace("$pki", folder);
            Assert.DoesNotContain('$', text);
            var file = Path.Combine(folder, "fabric.conf");
            File.WriteAllText(file, text);

            var settings = ConfigurationFile.Load(file, datapath: null);

            Assert.Equal(("hv2", "ovsext"), (settings.HostId, settings.SystemDatapath));
            Assert.Equal("192.0.2.11", $"{settings.Cluster.Address}");
            Assert.Equal(form == "on", settings.Cluster.Form);
            Assert.Equal(
                expected, settings.Cluster.Seeds.Select(seed => $"{seed.Host}:{seed.Port}"));
            Assert.Equal(Path.Combine(folder, "hv2.key"), settings.Cluster.Tls!.Key);
            // What the firewall is opened for.
            Assert.Contains($"$script:ClusterPort = {settings.Cluster.Port}\n", s_module);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Every_function_of_the_module_is_exported_and_explained()
    {
        var manifest = File.ReadAllText(Path.Combine(s_folder, "Fabric.psd1"));
        foreach (var name in (string[])[
            "Install-FabricHost", "Get-FabricHost", "Set-VMNetworkAdapterFabricPort",
            "Enable-FabricExtension", "Test-FabricHost"])
        {
            Assert.Contains($"'{name}'", manifest);
            var at = s_module.IndexOf($"function {name} ", StringComparison.Ordinal);
            Assert.True(at > 0, name);
            var help = s_module[..at];
            help = help[help.LastIndexOf("<#", StringComparison.Ordinal)..];
            Assert.Contains(".SYNOPSIS", help);
            Assert.Contains(".EXAMPLE", help);
            Assert.Contains(name, help[help.IndexOf(".EXAMPLE", StringComparison.Ordinal)..]);
        }
    }

    /// <summary>Brackets outside texts and comments close in the order that they open.</summary>
    [Fact]
    public void The_module_is_balanced()
    {
        var text = CommentsAndTexts().Replace(s_module, "");
        var open = new Stack<char>();
        foreach (var letter in text)
        {
            if (letter is '(' or '[' or '{') open.Push(letter);
            if (letter is not (')' or ']' or '}')) continue;
            Assert.NotEmpty(open);
            Assert.Equal(letter switch { ')' => '(', ']' => '[', _ => '{' }, open.Pop());
        }

        Assert.Empty(open);
    }

    [GeneratedRegex("<#.*?#>|(?m:^\\s*#.*$)|@\"\\r?\\n.*?\\n\"@|'[^']*'|\"[^\"]*\"",
        RegexOptions.Singleline)]
    private static partial Regex CommentsAndTexts();

    [GeneratedRegex("\\$text = @\"\\n(.*?)\\n\"@", RegexOptions.Singleline)]
    private static partial Regex Configuration();
}
