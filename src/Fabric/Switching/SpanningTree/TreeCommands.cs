using System.Text;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.Switching;

/// <summary>stp/show, stp/tcn, rstp/show and rstp/tcn (ovs-vswitchd(8)).</summary>
public static class TreeCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="trees">The room /trees.</param>
    public static void Register(UnixctlCommands commands, Func<ICanTell> trees)
    {
        Register(commands, trees, "stp", areRapid: false, "no such stp object");
        Register(commands, trees, "rstp", areRapid: true, "No such RSTP object");
    }

    private static void Register(
        UnixctlCommands commands, Func<ICanTell> trees, string protocol, bool areRapid,
        string unknown)
    {
        commands.Register($"{protocol}/show", "[bridge]", 0, 1, async request =>
        {
            var text = new StringBuilder();
            foreach (var tree in await SelectAsync(request))
            {
                text.Append(await tree.Ask<string>(new ShowTree(), Patience));
            }

            return text.ToString();
        });
        commands.Register($"{protocol}/tcn", "[bridge]", 0, 1, async request =>
        {
            foreach (var tree in await SelectAsync(request))
            {
                await tree.Ask<string>(new ForceTopologyChange(), Patience);
            }

            return "OK";
        });

        async Task<IEnumerable<IActorRef>> SelectAsync(UnixctlRequest request)
        {
            var listed = await trees().Ask<TreesListed>(new ListTrees(areRapid), Patience);
            if (request.Arguments.IsEmpty) return listed.Trees.Values;
            return listed.Trees.TryGetValue(request.Arguments[0], out var tree)
                ? [tree] : throw new UnixctlException(unknown);
        }
    }
}
