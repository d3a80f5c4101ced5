using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Host;

/// <summary>
/// net/plan, apply, progress, diff, validate, export, status: logical networks as YAML.
/// </summary>
/// <remarks>Arguments: the file's name, for messages, and its text.</remarks>
public static class NetworkCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private const int TraceWordsMax = 32;

    /// <summary>The plan of a file that is there already.</summary>
    public const string NothingToDo = "nothing to change\n";

    /// <summary>As ovn-nbctl --wait=hv does, so that hosts tell when they are done.</summary>
    private static readonly Operation CountUp = new Operation.Mutate(
        "NB_Global", [], [new Mutation("nb_cfg", Mutator.Add, 1L)]);

    /// <param name="northbound">The northbound's endpoint on this host.</param>
    /// <param name="logical">The compiler on this host.</param>
    /// <param name="cluster">What this host knows of the others.</param>
    public static void Register(
        UnixctlCommands commands, ICanTell northbound, ICanTell logical, ICanTell cluster)
    {
        LogicalPolicies.Register(commands, northbound);
        commands.Register("net/status", "", 0, 1, async request => TextOf(
            await logical.Ask<NetworkStatus>(new GetNetworkStatus(), Patience),
            request.Arguments.Contains("--json")));
        commands.Register(
            "trace/logical", "[OPTION]... [DATAPATH] MICROFLOW", 1, TraceWordsMax,
            request => TraceAsync(request, commands, logical));
        commands.Register("net/validate", "FILE TEXT", 2, 2, request =>
        {
            var document = Parse(request);
            return Task.FromResult(
                $"{request.Arguments[0]}: {document.Ports.Count()} ports, "
                + $"{document.Switches.Length} switches, {document.Routers.Length} routers, "
                + $"{document.Acls.Length} ACLs: well-formed\n");
        });
        commands.Register("net/plan", "FILE TEXT", 2, 2, async request =>
            TextOf(await PlanAsync(request, northbound)));
        commands.Register("net/diff", "FILE TEXT", 2, 2, async request =>
        {
            var plan = await PlanAsync(request, northbound);
            return plan.IsEmpty ? TextOf(plan) : throw new UnixctlException(TextOf(plan));
        });
        commands.Register("net/apply", "FILE TEXT", 2, 2,
            request => ApplyAsync(request, northbound));
        commands.Register(
            "net/progress", "", 0, 0, _ => ProgressAsync(northbound, cluster));
        commands.Register("net/export", "[NETWORK]", 0, 1, async request =>
            NetworkExport.ToYaml(
                (await ReadAsync(northbound)).After,
                request.Arguments.Length > 0 ? request.Arguments[0] : "network"));
    }

    private static async Task<string> TraceAsync(
        UnixctlRequest request, UnixctlCommands commands, ICanTell logical)
    {
        var options = LogicalTraceOptions.Parse(
            request.Arguments.Where(word => word != "--json"));
        var words = options.Words;
        if (options.Error is { } wrong) throw new UnixctlException(wrong);
        if (words.Length is 0 or > 2) throw new UnixctlException("[DATAPATH] MICROFLOW, no more");
        var packet = await logical.Ask<LogicalMicroflow>(
            new TraceLogical(words.Length > 1 ? words[0] : "", words[^1]), Patience);
        if (packet.Error is { } error) throw new UnixctlException(error);
        var trace = await commands.RunAsync(request with
        {
            Command = "trace",
            Arguments =
            [
                .. options.States.Select(state => $"--ct-next={state}"), packet.Bridge,
                packet.Flow,
            ],
        });
        var explained = LogicalTrace.Explain(trace, packet);
        var isOne = options.Forms.Count == 1;
        return $"{packet.Flow}\n" + string.Concat(options.Forms.Select(form =>
            (isOne ? "" : $"\n# {form} output\n\n") + TraceSummary.Of(explained, form)));
    }

    private static async Task<string> ApplyAsync(UnixctlRequest request, ICanTell northbound)
    {
        var plan = await PlanAsync(request, northbound);
        if (plan.IsEmpty) return TextOf(plan);
        var answer = await northbound.Ask<TransactCompleted>(
            new Transact(0, plan.Operations.Add(CountUp)), Patience);
        return answer.Error is null
            ? TextOf(plan)
            : throw new UnixctlException(
                $"{request.Arguments[0]}: nothing changed: {answer.Error}");
    }

    /// <summary>What is wanted, what all hosts have, and what each of them has.</summary>
    private static async Task<string> ProgressAsync(ICanTell northbound, ICanTell cluster)
    {
        var global = (await ReadAsync(northbound)).After.Table("NB_Global").First;
        var hosts = await cluster.Ask<ClusterAnswer>(
            new QueryCluster(ClusterText.AppliedVerb, [], IsJson: true), Patience);
        return new JsonObject
        {
            ["wanted"] = global?.GetInteger("nb_cfg") ?? 0,
            ["applied"] = global?.GetInteger("hv_cfg") ?? 0,
            ["hosts"] = JsonNode.Parse(hosts.Text),
        }.ToJsonString() + "\n";
    }

    private static async Task<NetworkPlan> PlanAsync(UnixctlRequest request, ICanTell northbound)
    {
        var document = Parse(request);
        return NetworkPlan.Of(document, (await ReadAsync(northbound)).After);
    }

    private static NetworkDocument Parse(UnixctlRequest request)
    {
        try
        {
            return NetworkDocument.Parse(request.Arguments[1], request.Arguments[0]);
        }
        catch (NetworkDocumentException error)
        {
            throw new UnixctlException(error.Message);
        }
    }

    private static Task<DatabaseChanged> ReadAsync(ICanTell northbound) =>
        northbound.Ask<DatabaseChanged>(
            reply => new SubscribeDatabase(reply), Patience, CancellationToken.None);

    private static string TextOf(NetworkStatus status, bool isJson)
    {
        if (isJson)
        {
            return JsonSerializer.Serialize(new
            {
                host = status.HostId,
                bridge = status.Bridge,
                sequence = status.Sequence,
                nb_cfg = status.NbCfg,
                flows = status.FlowCount,
                local_datapaths = status.LocalDatapathCount,
                local_ports = status.LocalPorts,
                conditions = status.Conditions.Select(condition => $"{condition}"),
            });
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"host {status.HostId}, bridge {status.Bridge}: northbound {status.Sequence} installed, ");
        text.Append(CultureInfo.InvariantCulture,
            $"{status.FlowCount} flows, {status.LocalDatapathCount} local datapaths, ports: ");
        text.AppendJoin(' ', status.LocalPorts).Append('\n');
        foreach (var condition in status.Conditions) text.Append(condition).Append('\n');
        if (status.Conditions.IsEmpty) text.Append("no row has a problem\n");
        return text.ToString();
    }

    private static string TextOf(NetworkPlan plan)
    {
        if (plan.IsEmpty) return NothingToDo;
        var text = new StringBuilder();
        foreach (var step in plan.Steps) text.Append(step).Append('\n');
        return text.ToString();
    }
}
