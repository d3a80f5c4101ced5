using System.Text.Json;

namespace Fabric.Configuration;

/// <summary>A record of a clustered database for `ovsdb-tool show-log`.</summary>
internal static class ClusterLogPrinter
{
    /// <param name="isFirst">The first one tells of the server and its cluster.</param>
    public static void Print(
        JsonElement json, bool isFirst, TransactionPrinter transactions, TextWriter output)
    {
        output.WriteLine();
        if (!isFirst)
        {
            Print(ClusterRecord.Read(json), transactions, output);
        }
        else if (ClusterHeader.TryRead(json, out var header, out var error))
        {
            Print(header, transactions, output);
        }
        else
        {
            throw new ToolException(error.ToSentence());
        }

        output.WriteLine();
    }

    private static void Print(
        ClusterHeader header, TransactionPrinter transactions, TextWriter output)
    {
        // The quotes are as ovsdb-tool prints them.
        output.WriteLine($" name: \"{header.Name}'");
        output.WriteLine($" local address: \"{header.LocalAddress}\"");
        PrintId("server_id", header.ServerId, output);
        if (header.ClusterId is not null) PrintId("cluster_id", header.ClusterId, output);
        if (header.IsJoining)
        {
            output.WriteLine($" remote_addresses: {string.Join(' ', header.RemoteAddresses)}");
            return;
        }

        output.WriteLine($" prev_index: {header.Index}");
        output.WriteLine($" prev_term: {header.Term}");
        PrintServers("prev_servers", header.Servers, output);
        PrintId("prev_eid", header.EntryId, output);
        PrintData("prev_", header.Data, transactions, output);
    }

    private static void Print(
        ClusterRecord record, TransactionPrinter transactions, TextWriter output)
    {
        if (record.Comment is { } comment) output.WriteLine($" comment: \"{comment}\"");
        if (record.Term is { } term) output.WriteLine($" term: {term}");
        if (record.Index is { } index) output.WriteLine($" index: {index}");
        PrintServers("servers", record.Servers, output);
        PrintId("eid", record.EntryId, output);
        PrintId("vote", record.Vote, output);
        PrintId("leader", record.Leader, output);
        if (record.CommitIndex is { } committed) output.WriteLine($" commit_index: {committed}");
        if (record.Note is { } note) output.WriteLine($" note: \"{note}\"");
        if (record.HasData) PrintData("", record.Data, transactions, output);
    }

    private static void PrintServers(
        string name, IReadOnlyDictionary<Guid, string>? servers, TextWriter output)
    {
        if (servers is null) return;
        var list = servers.Select(
            server => $"{RaftSettings.ShortOf(server.Key)}(\"{server.Value}\")");
        output.WriteLine($" {name}: {string.Join(", ", list)}");
    }

    private static void PrintId(string name, Guid? id, TextWriter output)
    {
        if (id is { } known) output.WriteLine($" {name}: {RaftSettings.ShortOf(known)}");
    }

    private static void PrintData(
        string prefix, JsonElement data, TransactionPrinter transactions, TextWriter output)
    {
        if (data[0].ValueKind == JsonValueKind.Object)
        {
            var schema = LogPrinter.SchemaOf(data[0]);
            transactions.Schema = schema;
            output.WriteLine($" {prefix}schema: \"{schema.Name}\", version=\"{schema.Version}\", "
                + $"cksum=\"{schema.Checksum}\"");
        }

        if (data[1].ValueKind == JsonValueKind.Object && data[1].EnumerateObject().Any())
        {
            transactions.Print(data[1]);
        }
    }
}
