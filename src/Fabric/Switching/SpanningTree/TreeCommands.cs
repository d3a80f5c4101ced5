using System.Text;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.Switching;

/// <summary>stp/show and stp/tcn (ovs-vswitchd(8)).</summary>
public static class TreeCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="trees">The room /trees.</param>
    public static void Register(UnixctlCommands commands, Func<ICanTell> trees)
    {
        commands.Register("stp/show", "[bridge]", 0, 1, async request =>
        {
            var text = new StringBuilder();
            foreach (var tree in await SelectAsync(trees(), request))
            {
                text.Append(await tree.Ask<string>(new ShowTree(), Patience));
            }

            return text.ToString();
        });
        commands.Register("stp/tcn", "[bridge]", 0, 1, async request =>
        {
            foreach (var tree in await SelectAsync(trees(), request))
            {
                await tree.Ask<string>(new ForceTopologyChange(), Patience);
            }

            return "OK";
        });
    }

    private static async Task<IEnumerable<IActorRef>> SelectAsync(
        ICanTell trees, UnixctlRequest request)
    {
        var listed = await trees.Ask<TreesListed>(new ListTrees(), Patience);
        if (request.Arguments.IsEmpty) return listed.Trees.Values;
        return listed.Trees.TryGetValue(request.Arguments[0], out var tree)
            ? [tree] : throw new UnixctlException("no such stp object");
    }
}
