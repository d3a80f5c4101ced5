using System.Text.RegularExpressions;

namespace Fabric.Tidy;

/// <summary>References run one way: HostNode, Fabric, Datapath, Wire (ARCHITECTURE.md).</summary>
public sealed partial class ReferenceTests
{
    [Theory]
    // Wire is bytes and their meaning: whoever parses must not need a socket or a clock.
    [InlineData("Wire", "")]
    // The datapath knows packets, not bridges or actors.
    [InlineData("Datapath", "Wire")]
    // The runtime could be Akka.NET itself: it knows nothing of networks.
    [InlineData("ActorRuntime", "")]
    [InlineData("ActorRuntime.TestKit", "ActorRuntime")]
    [InlineData("Fabric", "Datapath Wire")]
    // The process composes; it decides nothing.
    [InlineData("HostNode", "Fabric")]
    public void A_room_references_only_what_stands_below_it(string room, string allowed)
    {
        var project = Repository.Read($"src/{room}/{room}.csproj");
        var names = ReferencePattern().Matches(project).Select(match => match.Groups[1].Value);
        Assert.Empty(names.Except(allowed.Split(' ')));
    }

    [Theory]
    // Wire does no I/O and reads no clock.
    [InlineData("src/Wire", @"System\.Net\.Sockets|System\.IO\.(File|Stream)|TimeProvider")]
    // One folder may touch a kernel extension; ports talk to devices, nothing else does.
    [InlineData("src/Fabric", @"\bDllImport\b|\bbpf_")]
    // Nothing outside the runtime knows which runtime it is.
    [InlineData("src/HostNode", @"Fabric\.ActorRuntime")]
    public void A_room_keeps_out_of_what_is_not_its_business(string folder, string pattern)
    {
        var expression = new Regex(pattern);
        var found = Repository.Files(folder, "*.cs")
            .Where(path => expression.IsMatch(Repository.Read(path)));
        Assert.Empty(found);
    }

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*/([^/""]+)\.csproj""")]
    private static partial Regex ReferencePattern();
}
