using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;
using IO = System.IO;

namespace Fabric.Configuration;

/// <summary>Opens what ovsdb-tool's arguments name.</summary>
internal static class ToolFiles
{
    /// <summary>The argument, or the default database.</summary>
    public static string Path(ImmutableArray<string> words, int index) =>
        words.Length > index ? words[index] : IO.Path.Combine(OvsFolders.Database, "conf.db");

    /// <summary>The schema that an argument names, or the default one.</summary>
    /// <exception cref="ToolException">It cannot be read.</exception>
    public static DatabaseSchema Schema(ImmutableArray<string> words, int index) =>
        Schema(words.Length > index
            ? words[index]
            : IO.Path.Combine(OvsFolders.PackageData, "vswitch.ovsschema"));

    /// <exception cref="ToolException">It cannot be read.</exception>
    public static DatabaseSchema Schema(string path)
    {
        var problem = $"failed to read schema: \"{path}\" could not be read as JSON";
        if (!LogReader.TryReadFile(path, path, out var bytes, out _))
        {
            throw new ToolException($"{problem} (error opening \"{path}\": "
                + (Directory.Exists(path) ? "Is a directory)" : "No such file or directory)"));
        }

        if (!JsonText.TryParse(bytes, out var document, out var wrong))
        {
            throw new ToolException($"{problem} ({wrong})");
        }

        using (document)
        {
            if (SchemaReader.TryRead(document.RootElement, out var schema, out var error))
            {
                return schema;
            }

            throw new ToolException((error with
            {
                Details = $"failed to parse \"{path}\" as ovsdb schema: {error.Details}",
            }).ToSentence());
        }
    }

    /// <exception cref="ToolException">It is no database file.</exception>
    public static LogReader Reader(string path) =>
        LogReader.TryOpen(path, path, out var reader, out var problem)
            ? reader
            : throw new ToolException(problem);

    /// <remarks>A server repairs a torn file; the tool says what is wrong and ends.</remarks>
    /// <exception cref="ToolException">It is no whole standalone database.</exception>
    public static OvsdbLogFile Standalone(string path, bool isReadOnly = true)
    {
        if (!OvsdbLogFile.TryOpen(path, isReadOnly: true, out var file, out var problem))
        {
            throw new ToolException(problem);
        }

        if (file.TornTail is { } torn) throw new ToolException(torn);
        if (isReadOnly) return file;
        return OvsdbLogFile.TryOpen(path, isReadOnly: false, out file, out problem)
            ? file
            : throw new ToolException(problem);
    }
}
