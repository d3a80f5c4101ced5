using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;

namespace Fabric.Host;

/// <summary>cluster/*: the cluster as this host sees it.</summary>
public static class ClusterCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly (string Verb, string Usage, int Arguments)[] Verbs =
    [
        ("show", "", 0), ("status", "", 0), ("members", "", 0), ("leader", "", 0),
        ("vteps", "", 0), ("topology", "", 0), ("join", "ADDRESS", 1), ("leave", "HOST", 1),
        ("down", "HOST [--force]", 2), ("down-unreachable", "", 0),
    ];

    public static void Register(UnixctlCommands commands, ICanTell cluster)
    {
        foreach (var (verb, usage, arguments) in Verbs)
        {
            commands.Register($"cluster/{verb}", usage, 0, arguments + 1, async request =>
            {
                var isJson = request.Arguments.Contains("--json");
                var answer = await cluster.Ask<ClusterAnswer>(
                    new QueryCluster(verb, request.Arguments.Remove("--json"), isJson), Patience);
                return answer.ExitCode == 0 ? answer.Text : throw new UnixctlException(answer.Text);
            });
        }
    }
}
