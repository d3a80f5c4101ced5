using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Host;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Commands of ovsdb-tool on standalone databases.</summary>
internal static class StandaloneCommands
{
    private static string Version => $"ovsdb-tool {Versions.OpenVSwitch}";

    public static void Create(
        ImmutableArray<string> words, ToolOptions options, TextWriter output) =>
        OvsdbLogFile.Create(ToolFiles.Path(words, 0), ToolFiles.Schema(words, 1));

    public static void Compact(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        using var file = ToolFiles.Standalone(ToolFiles.Path(words, 0), isReadOnly: false);
        Write(file.Snapshot, file, words.ElementAtOrDefault(1), $"compacted by {Version}");
    }

    public static void Convert(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var schema = ToolFiles.Schema(words, 1);
        using var file = ToolFiles.Standalone(ToolFiles.Path(words, 0), isReadOnly: false);
        if (!SchemaConversion.TryConvert(
            file.Snapshot, schema, Guid.NewGuid(), out var converted, out var error))
        {
            throw new ToolException(error.ToSentence());
        }

        Write(converted, file, words.ElementAtOrDefault(2), $"converted by {Version}");
    }

    public static void NeedsConversion(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var schema = ToolFiles.Schema(words, 1);
        output.WriteLine(SchemaOf(words).Text == schema.Text ? "no" : "yes");
    }

    public static void Name(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var path = ToolFiles.Path(words, 0);
        output.WriteLine(ToolFiles.Reader(path).IsClustered
            ? ClusterFileCommands.Opened(path).Header.Name
            : SchemaOf(words).Name);
    }

    /// <summary>The schema in the database that the first argument names.</summary>
    /// <exception cref="ToolException">It cannot be read.</exception>
    public static DatabaseSchema SchemaOf(ImmutableArray<string> words)
    {
        using var file = ToolFiles.Standalone(ToolFiles.Path(words, 0));
        return file.Snapshot.Schema;
    }

    public static void Transact(
        ImmutableArray<string> words, ToolOptions options, bool isReadOnly, TextWriter output)
    {
        using var file = ToolFiles.Standalone(
            ToolFiles.Path(words[..^1], 0), isReadOnly);
        if (!JsonText.TryParse(Encoding.UTF8.GetBytes(words[^1]), out var document, out var wrong))
        {
            throw new ToolException($"\"{words[^1]}\": {wrong}");
        }

        using (document)
        {
            var answer = Answer(file, document.RootElement, options, isReadOnly);
            using var sorted = JsonDocument.Parse(OvsdbText.ToUtf8(answer));
            output.WriteLine(OvsdbText.Compact(sorted.RootElement));
        }
    }

    private static Action<Utf8JsonWriter> Answer(
        OvsdbLogFile file, JsonElement parameters, ToolOptions options, bool isReadOnly)
    {
        var schema = file.Snapshot.Schema;
        if (parameters.ValueKind != JsonValueKind.Array)
        {
            return OvsdbError.SyntaxError("array expected", parameters).WriteTo;
        }

        if (parameters.GetArrayLength() == 0 || parameters[0].ValueKind != JsonValueKind.String
            || parameters[0].GetString() != schema.Name)
        {
            return OvsdbError.SyntaxError(
                "database name expected as first parameter", parameters).WriteTo;
        }

        var operations = OperationReader.Read(
            schema, [.. parameters.EnumerateArray().Skip(1)], Guid.NewGuid);
        var context = TransactionContext.Random(
            TransactionOrigin.Internal with { Role = options.Role });
        var outcome = TransactionExecutor.Execute(file.Snapshot, operations, context);
        ImmutableArray<OperationResult> results = outcome.IsBlocked
            ? [new OperationResult.Failed(
                new OvsdbError("not supported", "triggers not supported"))]
            : outcome.Results;
        if (!isReadOnly && outcome.Delta?.WithoutEphemeral(schema) is { IsEmpty: false } delta)
        {
            file.Append(delta, TimeProvider.System.GetUtcNow(), isDurable: true);
        }

        return writer =>
        {
            writer.WriteStartArray();
            foreach (var result in results) result.WriteTo(writer);
            writer.WriteEndArray();
        };
    }

    /// <param name="target">Another file, or null to replace 'file'.</param>
    private static void Write(
        DatabaseSnapshot snapshot, OvsdbLogFile file, string? target, string comment)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (target is null)
        {
            file.Compact(snapshot, now, comment);
            return;
        }

        if (!File.Exists(target)) OvsdbLogFile.Create(target, snapshot.Schema);
        using var other = ToolFiles.Standalone(target, isReadOnly: false);
        other.Compact(snapshot, now, comment);
    }
}
