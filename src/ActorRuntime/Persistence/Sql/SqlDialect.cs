using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Akka.Persistence.Sql;

/// <summary>The texts in which SQLite and PostgreSQL differ.</summary>
/// <remarks>Chosen by the key <c>provider-name</c>: "SQLite..." or "PostgreSQL...".</remarks>
internal sealed class SqlDialect
{
    private readonly bool _isSqlite;
    private readonly string _connectionString;
    private readonly string _synchronous;

    static SqlDialect() => SQLitePCL.Batteries_V2.Init();

    /// <exception cref="Akka.Configuration.ConfigurationException">No such provider.</exception>
    public SqlDialect(
        string providerName, string connectionString, string synchronous = "FULL")
    {
        _synchronous = synchronous;
        _isSqlite = providerName.StartsWith("SQLite", StringComparison.OrdinalIgnoreCase);
        _connectionString = connectionString;
        if (!_isSqlite
            && !providerName.StartsWith("PostgreSQL", StringComparison.OrdinalIgnoreCase))
        {
            throw new Akka.Configuration.ConfigurationException(
                $"akka.persistence...sql.provider-name = \"{providerName}\": "
                + "write \"SQLite.MS\" or \"PostgreSQL.15\"");
        }

        if (synchronous is not ("FULL" or "NORMAL"))
        {
            throw new Akka.Configuration.ConfigurationException(
                $"akka.persistence...sql.synchronous = \"{synchronous}\": write FULL or NORMAL");
        }
    }

    private string Blob => _isSqlite ? "BLOB" : "BYTEA";

    private string Ordering => _isSqlite
        ? "ordering INTEGER PRIMARY KEY AUTOINCREMENT"
        : "ordering BIGSERIAL PRIMARY KEY";

    /// <summary>
    /// Opens a connection whose commits survive a crash of the process, and with FULL one of the
    /// machine.
    /// </summary>
    public DbConnection Open()
    {
        if (!_isSqlite)
        {
            var postgres = new NpgsqlConnection(_connectionString);
            postgres.Open();
            return postgres;
        }

        var settings = new SqliteConnectionStringBuilder(_connectionString) { Pooling = false };
        CreateDirectoryOf(settings.DataSource);
        var sqlite = new SqliteConnection(settings.ToString());
        sqlite.Open();
        Execute(sqlite, "PRAGMA journal_mode=WAL");
        Execute(sqlite, $"PRAGMA synchronous={_synchronous}");
        Execute(sqlite, "PRAGMA busy_timeout=5000");
        RestrictAccess(settings.DataSource);
        return sqlite;
    }

    /// <summary>Creates what is not there yet; safe to run at every start.</summary>
    public void CreateSchema(DbConnection connection)
    {
        Execute(connection, $"""
            CREATE TABLE IF NOT EXISTS journal (
                {Ordering},
                persistence_id VARCHAR(255) NOT NULL,
                sequence_number BIGINT NOT NULL,
                created BIGINT NOT NULL,
                identifier INTEGER NOT NULL,
                manifest VARCHAR(500) NOT NULL,
                writer_uuid VARCHAR(36) NOT NULL,
                tags VARCHAR(1000) NULL,
                message {Blob} NOT NULL,
                checksum BIGINT NOT NULL,
                UNIQUE (persistence_id, sequence_number))
            """);
        Execute(connection, """
            CREATE TABLE IF NOT EXISTS journal_metadata (
                persistence_id VARCHAR(255) NOT NULL PRIMARY KEY,
                sequence_number BIGINT NOT NULL)
            """);
        Execute(connection, $"""
            CREATE TABLE IF NOT EXISTS snapshot (
                persistence_id VARCHAR(255) NOT NULL,
                sequence_number BIGINT NOT NULL,
                created BIGINT NOT NULL,
                identifier INTEGER NOT NULL,
                manifest VARCHAR(500) NOT NULL,
                snapshot {Blob} NOT NULL,
                checksum BIGINT NOT NULL,
                PRIMARY KEY (persistence_id, sequence_number))
            """);
    }

    public static void Execute(DbConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    /// <summary>A command with its parameters named @p0, @p1, ... in the order given.</summary>
    public static DbCommand Command(
        DbConnection connection, DbTransaction? transaction, string text, params object?[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            parameter.Value = values[i] ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void CreateDirectoryOf(string file)
    {
        if (file.Length == 0 || file.Contains(":memory:", StringComparison.Ordinal)) return;
        var directory = Path.GetDirectoryName(Path.GetFullPath(file));
        if (directory is not null) Directory.CreateDirectory(directory);
    }

    /// <summary>Databases are 0640: the owner writes, the group reads.</summary>
    private static void RestrictAccess(string file)
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var path in new[] { file, file + "-wal", file + "-shm" })
        {
            if (!File.Exists(path)) continue;
            File.SetUnixFileMode(
                path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        }
    }
}
