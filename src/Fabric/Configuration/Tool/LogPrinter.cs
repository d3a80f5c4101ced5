using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Prints the records of a database file as `ovsdb-tool show-log` does.</summary>
internal static class LogPrinter
{
    /// <param name="more">0: dates and comments; 1: rows; 2: columns too.</param>
    /// <exception cref="ToolException">The file is torn; what is whole was printed.</exception>
    public static void Print(string path, int more, TextWriter output)
    {
        var reader = ToolFiles.Reader(path);
        var transactions = new TransactionPrinter(more, output);
        for (var number = 0; reader.TryNext(out var record); number++)
        {
            output.Write($"record {number}:");
            if (reader.IsClustered)
            {
                ClusterLogPrinter.Print(record, number == 0, transactions, output);
            }
            else if (number == 0)
            {
                var schema = SchemaOf(record);
                transactions.Schema = schema;
                output.WriteLine($" {NameOf(schema)}\n");
            }
            else
            {
                transactions.Print(record);
                transactions.End();
            }
        }

        if (reader.Problem is { } problem) throw new ToolException(problem);
    }

    public static string NameOf(DatabaseSchema schema) =>
        $"\"{schema.Name}\" schema, version=\"{schema.Version}\", cksum=\"{schema.Checksum}\"";

    /// <exception cref="ToolException">It is none.</exception>
    public static DatabaseSchema SchemaOf(JsonElement json) =>
        SchemaReader.TryRead(json, out var schema, out var error)
            ? schema
            : throw new ToolException(error.ToSentence());
}
