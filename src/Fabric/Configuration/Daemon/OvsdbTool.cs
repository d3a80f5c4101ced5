using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Host;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>`fabric ovsdb-tool`: works on database files that no server has open.</summary>
public static partial class OvsdbTool
{
    private const string Program = "ovsdb-tool";

    private sealed class ToolException(string message) : Exception(message);

    /// <returns>
    /// The exit code of ovsdb-tool: 0, 1 for a failure, 2 for db-is-* that say no.
    /// </returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        var more = arguments.Sum(word =>
            word == "--more" ? 1
            : word.Length > 1 && word[0] == '-' && word.AsSpan(1).Trim('m').IsEmpty
                ? word.Length - 1 : 0);
        var words = arguments.Where(word => word.Length == 0 || word[0] != '-').ToArray();
        if (arguments.Contains("--version") || arguments.Contains("-V"))
        {
            output.WriteLine($"{Program} (Open vSwitch) {Versions.OpenVSwitch}");
            return 0;
        }

        if (arguments.Contains("--help") || arguments.Contains("-h"))
        {
            output.WriteLine(Usage);
            return 0;
        }

        if (words.Length == 0)
        {
            error.WriteLine($"{Program}: missing command name; use --help for help");
            return 1;
        }

        try
        {
            return Run(words[0], words[1..], more, output);
        }
        catch (ToolException exception)
        {
            error.WriteLine($"{Program}: {exception.Message}");
        }
        catch (IOException exception)
        {
            error.WriteLine($"{Program}: I/O error: {exception.Message}");
        }
        catch (UnauthorizedAccessException exception)
        {
            error.WriteLine($"{Program}: I/O error: {exception.Message}");
        }

        return 1;
    }

    private static int Run(string command, string[] words, int more, TextWriter output)
    {
        switch (command)
        {
            case "create": Create(PathOf(words, 0), SchemaOf(words, 1)); break;
            case "compact": Compact(words); break;
            case "convert": Convert(words); break;
            case "db-name": output.WriteLine(OpenedSchema(words).Name); break;
            case "db-version": output.WriteLine(OpenedSchema(words).Version); break;
            case "db-cksum": output.WriteLine(OpenedSchema(words).Checksum); break;
            case "schema-name": output.WriteLine(SchemaOf(words, 0).Name); break;
            case "schema-version": output.WriteLine(SchemaOf(words, 0).Version); break;
            case "schema-cksum": output.WriteLine(SchemaOf(words, 0).Checksum); break;
            case "needs-conversion":
                output.WriteLine(NeedsConversion(words) ? "yes" : "no");
                break;
            case "query": Transact(words, isReadOnly: true, output); break;
            case "transact": Transact(words, isReadOnly: false, output); break;
            case "show-log": OvsdbLogPrinter.Print(PathOf(words, 0), more, output); break;
            case "db-is-standalone": return IsClustered(words) ? 2 : 0;
            case "db-is-clustered": return IsClustered(words) ? 0 : 2;
            case "compare-versions": return CompareVersions(words);
            case "db-cid" or "db-sid" or "db-local-address":
                throw new ToolException($"{PathOf(words, 0)}: not a clustered database");
            case "check-cluster":
                throw new ToolException(
                    $"ovsdb error: {PathOf(words, 0)}: cannot identify file type");
            case "create-cluster" or "join-cluster" or "cluster-to-standalone":
                throw new ToolException($"{command}: clustered databases are not offered");
            case "list-commands": output.Write(CommandList); break;
            case "help": output.WriteLine(Usage); break;
            default: throw new ToolException($"unknown command '{command}'; use --help for help");
        }

        return 0;
    }

    private static string PathOf(string[] words, int index) =>
        words.Length > index ? words[index] : Path.Combine(OvsFolders.Database, "conf.db");

    private static DatabaseSchema SchemaOf(string[] words, int index)
    {
        var path = words.Length > index
            ? words[index]
            : Path.Combine(OvsFolders.PackageData, "vswitch.ovsschema");
        if (!File.Exists(path))
        {
            throw new ToolException($"failed to read schema: \"{path}\" could not be read as JSON "
                + $"(error opening \"{path}\": No such file or directory)");
        }

        if (!JsonText.TryParse(File.ReadAllBytes(path), out var document, out var problem))
        {
            throw new ToolException(
                $"failed to read schema: \"{path}\" could not be read as JSON ({problem})");
        }

        using (document)
        {
            if (SchemaReader.TryRead(document.RootElement, out var schema, out var error))
            {
                return schema;
            }

            var syntax = error.Syntax is { } text ? $"syntax \"{text}\": " : "";
            throw new ToolException($"{syntax}{error.Tag}: failed to parse \"{path}\" as ovsdb "
                + $"schema: {error.Details}");
        }
    }

    private static OvsdbLogFile Open(string path, bool isReadOnly = true) =>
        OvsdbLogFile.TryOpen(path, isReadOnly, out var file, out var problem)
            ? file
            : throw new ToolException(problem);

    private static DatabaseSchema OpenedSchema(string[] words)
    {
        using var file = Open(PathOf(words, 0));
        return file.Snapshot.Schema;
    }

    private static void Create(string path, DatabaseSchema schema)
    {
        if (File.Exists(path))
        {
            throw new ToolException($"I/O error: {path}: create failed (File exists)");
        }

        OvsdbLogFile.Create(path, schema);
    }

    private static void Compact(string[] words)
    {
        using var file = Open(PathOf(words, 0), isReadOnly: false);
        Write(
            file.Snapshot, file, words.ElementAtOrDefault(1),
            $"compacted by ovsdb-tool {Versions.OpenVSwitch}");
    }

    private static void Convert(string[] words)
    {
        using var file = Open(PathOf(words, 0), isReadOnly: false);
        var schema = SchemaOf(words, 1);
        if (!SchemaConversion.TryConvert(
            file.Snapshot, schema, Guid.NewGuid(), out var converted, out var error))
        {
            throw new ToolException(error.ToString());
        }

        Write(
            converted, file, words.ElementAtOrDefault(2),
            $"converted by ovsdb-tool {Versions.OpenVSwitch}");
    }

    private static void Write(
        DatabaseSnapshot snapshot, OvsdbLogFile file, string? target, string comment)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (target is null)
        {
            file.Compact(snapshot, now, comment);
            return;
        }

        Create(target, snapshot.Schema);
        using var other = Open(target, isReadOnly: false);
        other.Compact(snapshot, now, comment);
    }

    private static bool NeedsConversion(string[] words)
    {
        using var file = Open(PathOf(words, 0));
        return file.Snapshot.Schema.Text != SchemaOf(words, 1).Text;
    }

    private static bool IsClustered(string[] words)
    {
        using var stream = File.OpenRead(PathOf(words, 0));
        var start = new byte[LogRecord.ClusterMagic.Length];
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && Encoding.ASCII.GetString(start) == LogRecord.ClusterMagic;
    }

    private static int CompareVersions(string[] words)
    {
        if (words.Length != 3 || !Version.TryParse(words[0], out var left)
            || !Version.TryParse(words[2], out var right))
        {
            throw new ToolException("compare-versions needs A OP B");
        }

        var order = left.CompareTo(right);
        var holds = words[1] switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            "==" => order == 0,
            ">=" => order >= 0,
            ">" => order > 0,
            "!=" => order != 0,
            _ => throw new ToolException($"not a relational operator: {words[1]}"),
        };
        return holds ? 0 : 2;
    }

    private static void Transact(string[] words, bool isReadOnly, TextWriter output)
    {
        var path = words.Length > 1 ? words[0] : PathOf([], 0);
        using var file = Open(path, isReadOnly);
        if (!JsonText.TryParse(
            Encoding.UTF8.GetBytes(words.LastOrDefault() ?? ""), out var document, out var problem))
        {
            throw new ToolException(problem);
        }

        using (document)
        {
            var parameters = document.RootElement;
            if (parameters.ValueKind != JsonValueKind.Array || parameters.GetArrayLength() == 0
                || parameters[0].ValueKind != JsonValueKind.String
                || parameters[0].GetString() != file.Snapshot.Schema.Name)
            {
                var error = OvsdbError.SyntaxError(
                    parameters.ValueKind == JsonValueKind.Array
                        ? "database name expected as first parameter"
                        : "array expected",
                    parameters);
                output.WriteLine(Sorted(error.WriteTo));
                return;
            }

            var operations = OperationReader.Read(
                file.Snapshot.Schema, [.. parameters.EnumerateArray().Skip(1)], Guid.NewGuid);
            var context = TransactionContext.Random();
            var outcome = TransactionExecutor.Execute(file.Snapshot, operations, context);
            if (!isReadOnly && outcome.Delta?.WithoutEphemeral(file.Snapshot.Schema)
                is { IsEmpty: false } delta)
            {
                file.Append(delta, TimeProvider.System.GetUtcNow(), isDurable: true);
            }

            output.WriteLine(Sorted(writer =>
            {
                writer.WriteStartArray();
                foreach (var result in outcome.Results) result.WriteTo(writer);
                writer.WriteEndArray();
            }));
        }
    }

    /// <summary>JSON with the members of each object in order, as ovsdb-tool prints it.</summary>
    private static string Sorted(Action<Utf8JsonWriter> write)
    {
        using var document = JsonDocument.Parse(OvsdbText.ToUtf8(write));
        return OvsdbText.Compact(document.RootElement);
    }
}
