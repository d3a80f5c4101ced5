using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>What ovn-trace is to choose where a network leaves a choice.</summary>
/// <param name="Backend">"IP:port" of a balancer; null: any.</param>
/// <param name="EqualCostId">Number of a next hop among equals, from 1; null: any.</param>
internal sealed record OracleChoice(string? Backend, int? EqualCostId);

/// <summary>
/// The real thing of Debian's packages: two databases, ovn-northd and ovn-trace, in a directory
/// of their own.
/// </summary>
internal sealed class OvnOracle : IDisposable
{
    /// <summary>What the test needs installed.</summary>
    public static readonly string[] Tools =
        ["ovsdb-server", "ovsdb-tool", "ovsdb-client", "ovn-northd", "ovn-trace"];

    /// <summary>Exit codes of processes that a signal ended.</summary>
    private const int CrashedFrom = 128;

    private readonly string _directory =
        Directory.CreateTempSubdirectory("fabric-oracle-").FullName;
    private readonly List<Process> _daemons = [];

    public OvnOracle()
    {
        const string schemas = "/usr/share/ovn";
        Run("ovsdb-tool", "create", "nb.db", $"{schemas}/ovn-nb.ovsschema");
        Run("ovsdb-tool", "create", "sb.db", $"{schemas}/ovn-sb.ovsschema");
        Start("ovsdb-server", "nb.db", "sb.db", "--remote=punix:db.sock", "--unixctl=db.ctl");
        WaitFor("db.sock");
        Transact("OVN_Northbound", [new Operation.Insert("NB_Global", [])]);
        var encap = Guid.NewGuid();
        Transact("OVN_Southbound", [
            new Operation.Insert(
                "Encap",
                [
                    new("type", "geneve"), new("ip", "127.0.0.1"), new("chassis_name", "host1"),
                ],
                encap),
            new Operation.Insert(
                "Chassis",
                [new("name", "host1"), new("encaps", Datum.References([encap]))]),
        ]);
        Start(
            "ovn-northd", $"--ovnnb-db=unix:{_directory}/db.sock",
            $"--ovnsb-db=unix:{_directory}/db.sock", "--unixctl=northd.ctl");
    }

    /// <summary>Makes the northbound hold these rows only; waits for their flows.</summary>
    public void Load(IEnumerable<Operation> rows)
    {
        // Sets last: rules that name them must be gone before.
        Transact("OVN_Northbound", [.. ((string[])
            [
                "Logical_Switch", "Logical_Router", "Load_Balancer", "Port_Group",
                "DHCP_Options", "Load_Balancer_Group", "Static_MAC_Binding",
            ]).Select(table => new Operation.Delete(table, []))]);
        Transact("OVN_Northbound", [new Operation.Delete("Address_Set", []), .. rows]);
        Transact("OVN_Northbound", [new Operation.Mutate(
            "NB_Global", [], [new Mutation("nb_cfg", Mutator.Add, 1)])]);
        var wanted = NbCfg(Run("ovsdb-client", "dump", Server, "OVN_Northbound", "NB_Global",
            "nb_cfg"));
        Transact("OVN_Northbound", [new Operation.Wait(
            "NB_Global", [], ["sb_cfg"], true,
            [[new ColumnValue("sb_cfg", wanted)]], 20_000)]);
    }

    /// <summary>What ovn-trace says, in its minimal form.</summary>
    /// <returns>Null when ovn-trace itself crashed, as Debian's does now and then.</returns>
    public string? Trace(
        string datapath, string microflow, string ct, OracleChoice choice,
        string form = "--minimal")
    {
        const int lookupsMax = 12;
        var arguments = new List<string> { $"--db={Server}", form };
        for (var i = 0; i < lookupsMax; i++) arguments.Add($"--ct={ct}");
        if (choice.Backend is { } backend) arguments.Add($"--lb-dst={backend}");
        if (choice.EqualCostId is { } hop) arguments.Add($"--select-id={hop}");
        return Run("ovn-trace", out var exit, [.. arguments, datapath, microflow]) is var text
            && exit < CrashedFrom
            ? text
            : null;
    }

    public void Dispose()
    {
        foreach (var daemon in _daemons)
        {
            daemon.Kill();
            daemon.WaitForExit();
            daemon.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private string Server => $"unix:{_directory}/db.sock";

    private static long NbCfg(string table) => long.Parse(
        table.Trim().Split('\n')[^1].Trim(),
        System.Globalization.CultureInfo.InvariantCulture);

    private void Transact(string database, ImmutableArray<Operation> operations)
    {
        var text = new StringBuilder($"[\"{database}\"");
        foreach (var operation in operations)
        {
            text.Append(',').Append(OvsdbText.ToText(
                writer => OperationWriter.Write(writer, operation)));
        }

        var answer = Run("ovsdb-client", "transact", Server, text.Append(']').ToString());
        if (answer.Contains("\"error\"", StringComparison.Ordinal))
            throw new InvalidOperationException($"{database}: {answer}");
    }

    private void Start(string tool, params string[] arguments)
    {
        var daemon = Process.Start(Information(tool, arguments))!;
        daemon.OutputDataReceived += (_, _) => { };
        daemon.ErrorDataReceived += (_, _) => { };
        daemon.BeginOutputReadLine();
        daemon.BeginErrorReadLine();
        _daemons.Add(daemon);
    }

    private string Run(string tool, params string[] arguments) =>
        Run(tool, out var exit, arguments) is var text && exit == 0
            ? text
            : throw new InvalidOperationException($"{tool} {arguments[^1]}: {text}");

    private string Run(string tool, out int exit, params string[] arguments)
    {
        using var process = Process.Start(Information(tool, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        exit = process.ExitCode;
        return exit == 0 ? text : errors.GetAwaiter().GetResult();
    }

    private ProcessStartInfo Information(string tool, string[] arguments)
    {
        var information = new ProcessStartInfo(tool)
        {
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in (string[])["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVN_RUNDIR"])
            information.Environment[variable] = _directory;
        foreach (var argument in arguments) information.ArgumentList.Add(argument);
        return information;
    }

    private void WaitFor(string file)
    {
        var clock = Stopwatch.StartNew();
        while (!ListeningSocket.IsAt(Path.Combine(_directory, file)))
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(10))
                throw new TimeoutException($"{file} did not appear");
            Thread.Yield();
        }
    }
}
