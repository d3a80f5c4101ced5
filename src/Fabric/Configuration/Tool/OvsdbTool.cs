using System.Collections.Immutable;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>`fabric ovsdb-tool`: works on database files that no server has open.</summary>
public static class OvsdbTool
{
    private const string Program = "ovsdb-tool";

    private static readonly ImmutableArray<ToolCommand> Commands =
    [
        ToolCommand.Of("create", "[db [schema]]", 0, 2, StandaloneCommands.Create),
        ToolCommand.Of(
            "create-cluster", "db contents local", 3, 3, ClusterFileCommands.Create),
        ToolCommand.Of(
            "join-cluster", "db name local remote...", 4, int.MaxValue,
            ClusterFileCommands.Join),
        ToolCommand.Of("compact", "[db [dst]]", 0, 2, StandaloneCommands.Compact),
        ToolCommand.Of("convert", "[db [schema [dst]]]", 0, 3, StandaloneCommands.Convert),
        ToolCommand.Of("needs-conversion", "", 0, 2, StandaloneCommands.NeedsConversion),
        ToolCommand.Of("db-name", "[db]", 0, 1, StandaloneCommands.Name),
        ToolCommand.Of("db-version", "[db]", 0, 1, (words, _, output) => output.WriteLine(
            StandaloneCommands.SchemaOf(words).Version)),
        ToolCommand.Of("db-cksum", "[db]", 0, 1, (words, _, output) => output.WriteLine(
            StandaloneCommands.SchemaOf(words).Checksum)),
        ToolCommand.Of("db-cid", "db", 1, 1, ClusterFileCommands.ClusterId),
        ToolCommand.Of("db-sid", "db", 1, 1, (words, _, output) => output.WriteLine(
            $"{ClusterFileCommands.Opened(words[0]).Header.ServerId:D}")),
        ToolCommand.Of("db-local-address", "db", 1, 1, (words, _, output) => output.WriteLine(
            ClusterFileCommands.Opened(words[0]).Header.LocalAddress)),
        new("db-is-clustered", "db", 1, 1,
            (words, _, _) => ToolFiles.Reader(words[0]).IsClustered ? 0 : 2),
        new("db-is-standalone", "db", 1, 1,
            (words, _, _) => ToolFiles.Reader(words[0]).IsClustered ? 2 : 0),
        ToolCommand.Of("schema-name", "[schema]", 0, 1, (words, _, output) => output.WriteLine(
            ToolFiles.Schema(words, 0).Name)),
        ToolCommand.Of("schema-version", "[schema]", 0, 1, (words, _, output) =>
            output.WriteLine(ToolFiles.Schema(words, 0).Version)),
        ToolCommand.Of("schema-cksum", "[schema]", 0, 1, (words, _, output) => output.WriteLine(
            ToolFiles.Schema(words, 0).Checksum)),
        ToolCommand.Of("query", "[db] trns", 1, 2, (words, options, output) =>
            StandaloneCommands.Transact(words, options, isReadOnly: true, output)),
        ToolCommand.Of("transact", "[db] trns", 1, 2, (words, options, output) =>
            StandaloneCommands.Transact(words, options, isReadOnly: false, output)),
        ToolCommand.Of("show-log", "[db]", 0, 1, (words, options, output) =>
            LogPrinter.Print(ToolFiles.Path(words, 0), options.More, output)),
        ToolCommand.Of("check-cluster", "db...", 1, int.MaxValue, ClusterCheck.Run),
        new("compare-versions", "a op b", 3, 3, SchemaVersion.Compare),
        ToolCommand.Of("help", "", 0, int.MaxValue, (_, _, output) =>
            output.WriteLine(ToolTexts.Usage)),
        ToolCommand.Of("list-commands", "", 0, int.MaxValue, (_, _, output) =>
            output.Write(ToolTexts.ListOf(Commands))),
        ToolCommand.Of("cluster-to-standalone", "db clusterdb", 2, 2,
            ClusterFileCommands.ToStandalone),
    ];

    /// <returns>
    /// The exit code of ovsdb-tool: 0, 1 for a failure, 2 for tests that say no.
    /// </returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        try
        {
            return Run(ToolOptions.Parse(arguments), output);
        }
        catch (ToolException exception)
        {
            // One of ovsdb-tool's own checks tells of the file alone.
            error.WriteLine(exception.ExitCode == 1
                ? $"{Program}: {exception.Message}" : exception.Message);
            return exception.ExitCode;
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"{Program}: I/O error: {exception.Message}");
            return 1;
        }
    }

    private static int Run(ToolOptions options, TextWriter output)
    {
        if (options.IsVersionWanted)
        {
            output.WriteLine($"{Program} (Open vSwitch) {Versions.OpenVSwitch}");
            return 0;
        }

        if (options.IsHelpWanted)
        {
            output.WriteLine(ToolTexts.Usage);
            return 0;
        }

        if (options.Words.IsEmpty)
        {
            throw new ToolException("missing command name; use --help for help");
        }

        var name = options.Words[0];
        var command = Commands.FirstOrDefault(each => each.Name == name)
            ?? throw new ToolException($"unknown command '{name}'; use --help for help");
        return command.Invoke(options.Words[1..], options, output);
    }
}
