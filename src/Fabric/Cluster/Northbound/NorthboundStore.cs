namespace Fabric.Cluster;

/// <summary>Where replicas of the northbound keep their journal, as HOCON.</summary>
public static class NorthboundStore
{
    /// <param name="file">One SQLite file for journal and snapshots.</param>
    public static string Sqlite(string file) => Sql("SQLite.MS", $"Data Source={file}");

    public static string PostgreSql(string connection) => Sql("PostgreSQL.15", connection);

    private static string Sql(string provider, string connection)
    {
        var text = connection.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal);
        return $$"""

            akka.persistence {
              journal {
                plugin = "akka.persistence.journal.sql"
                sql {
                  class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
                  connection-string = "{{text}}"
                  provider-name = "{{provider}}"
                }
              }
              snapshot-store {
                plugin = "akka.persistence.snapshot-store.sql"
                sql {
                  class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
                  connection-string = "{{text}}"
                  provider-name = "{{provider}}"
                }
              }
            }

            """;
    }
}
