using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Commands of ovsdb-tool on the file of a cluster's server.</summary>
internal static class ClusterFileCommands
{
    public static void Create(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        long? timer = null;
        if (options.ElectionTimer is { } text)
        {
            if (!RaftSettings.TryParseTimer(text, out var milliseconds))
            {
                throw new ToolException($"ovsdb error: {RaftSettings.TimerProblem}");
            }

            timer = milliseconds;
        }

        var (path, contents, address) = (words[0], words[1], words[2]);
        var database = ContentsOf(contents, out var isSchema);
        CheckAddress(address);
        var serverId = Guid.NewGuid();
        var header = new ClusterHeader(serverId, address, database.Schema.Name)
        {
            ClusterId = Guid.NewGuid(),
            Term = 1,
            Index = 1,
            Servers = ImmutableSortedDictionary<Guid, string>.Empty.Add(serverId, address),
            EntryId = Guid.NewGuid(),
        };
        var rows = database.ToDelta().WithoutEphemeral(database.Schema) with
        {
            Comment = $"created from {contents}",
        };
        ClusterLogFile.Create(
            path, header, database.Schema,
            writer =>
            {
                if (!isSchema)
                {
                    LogTransaction.Write(writer, rows, TimeProvider.System.GetUtcNow());
                    return;
                }

                writer.WriteStartObject();
                writer.WriteEndObject();
            },
            timer);
    }

    public static void Join(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var (path, name, address) = (words[0], words[1], words[2]);
        if (!OperationReader.IsIdentifier(name))
        {
            throw new ToolException($"{name}: not a valid schema name (use \"schema-name\" "
                + "command to find the correct name)");
        }

        CheckAddress(address);
        foreach (var remote in words[3..])
        {
            CheckAddress(remote);
            if (remote == address)
            {
                throw new ToolException(
                    "ovsdb error: remote addresses cannot be the same as the local address");
            }
        }

        ClusterLogFile.CreateJoining(path, new ClusterHeader(Guid.NewGuid(), address, name)
        {
            ClusterId = options.ClusterId,
            RemoteAddresses = [.. words[3..].Order(StringComparer.Ordinal)],
        });
    }

    public static void ClusterId(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var log = Opened(words[0]);
        output.WriteLine(log.Header.ClusterId is { } id
            ? $"{id:D}"
            : throw new ToolException($"{words[0]}: cluster ID not yet known", exitCode: 2));
    }

    /// <remarks>
    /// Each entry becomes a transaction of its own. After a change of schema only what followed
    /// can be told in the new one: the file then starts with the rows as they were converted.
    /// </remarks>
    public static void ToStandalone(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var (target, path) = (words[0], words[1]);
        if (!ToolFiles.Reader(path).IsClustered)
        {
            throw new ToolException($"Database is not clustered {path}.\n");
        }

        var log = Opened(path);
        if (log.Header.IsJoining) throw new ToolException($"{path}: has not joined its cluster");
        if (!log.TryBuild(out var database, out var problem)) throw new ToolException(problem);
        JsonElement[] all =
            [log.Header.Data, .. log.Entries.Where(each => each.HasData).Select(each => each.Data)];
        var start = Array.FindLastIndex(all, data => data[0].ValueKind != JsonValueKind.Null);
        OvsdbLogFile.Create(target, database.Schema);
        using var file = ToolFiles.Standalone(target, isReadOnly: false);
        foreach (var data in all[start..])
        {
            if (data[1].ValueKind == JsonValueKind.Object) file.AppendRaw(data[1]);
        }
    }

    /// <exception cref="ToolException">It is no clustered database.</exception>
    public static ClusterLog Opened(string path)
    {
        var reader = ToolFiles.Reader(path);
        if (!reader.IsClustered) throw new ToolException($"{path}: not a clustered database");
        return ClusterLog.TryRead(reader, out var log, out var problem)
            ? log
            : throw new ToolException(problem);
    }

    /// <summary>A schema, or a standalone database.</summary>
    private static DatabaseSnapshot ContentsOf(string path, out bool isSchema)
    {
        if (!LogReader.TryReadFile(path, path, out var bytes, out var problem))
        {
            throw new ToolException(problem);
        }

        isSchema = bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
        if (isSchema) return DatabaseSnapshot.EmptyOf(ToolFiles.Schema(path));
        using var file = ToolFiles.Standalone(path);
        return file.Snapshot;
    }

    /// <summary>PROTOCOL:IP:PORT, as servers of a cluster are addressed.</summary>
    private static void CheckAddress(string address)
    {
        var parts = address.Split(':', 2);
        if (parts.Length < 2 || parts[0] is not ("tcp" or "ssl"))
        {
            throw new ToolException(
                $"ovsdb error: {address}: expected \"tcp\" or \"ssl\" address");
        }

        var isWell = parts[1].LastIndexOf(':') is > 0 and var colon
            && ushort.TryParse(parts[1][(colon + 1)..], out var port) && port > 0
            && IPAddress.TryParse(parts[1][..colon], out _);
        if (!isWell)
        {
            throw new ToolException($"ovsdb error: {address}: syntax error in address");
        }
    }
}
