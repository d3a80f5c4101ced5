namespace Fabric.Configuration;

/// <content>What the tool says about itself.</content>
public static partial class OvsdbTool
{
    private static string CommandList => "The available commands are:\n" + string.Concat(
        Commands.Select(each => $"  {each.Name,-23} {each.Arguments}\n"));

    private static readonly (string Name, string Arguments)[] Commands =
    [
        ("create", "[db [schema]]"), ("compact", "[db [dst]]"),
        ("convert", "[db [schema [dst]]]"), ("needs-conversion", ""), ("db-name", "[db]"),
        ("db-version", "[db]"), ("db-cksum", "[db]"), ("db-cid", "db"), ("db-sid", "db"),
        ("db-local-address", "db"), ("db-is-clustered", "db"), ("db-is-standalone", "db"),
        ("schema-name", "[schema]"), ("schema-version", "[schema]"), ("schema-cksum", "[schema]"),
        ("query", "[db] trns"), ("transact", "[db] trns"), ("show-log", "[db]"),
        ("check-cluster", "db..."), ("compare-versions", "a op b"), ("help", ""),
        ("list-commands", ""),
    ];

    private static string Usage => $"""
        ovsdb-tool: Open vSwitch database management utility
        usage: ovsdb-tool [OPTIONS] COMMAND [ARG...]
          create [DB [SCHEMA]]    create DB with the given SCHEMA
          compact [DB [DST]]      compact DB in-place (or to DST)
          convert [DB [SCHEMA [DST]]]   convert DB to SCHEMA (to DST)
          db-name [DB]            report name of schema used by DB
          db-version [DB]         report version of schema used by DB
          db-cksum [DB]           report checksum of schema used by DB
          db-is-clustered DB      test whether DB is clustered
          db-is-standalone DB     test whether DB is standalone
          schema-name [SCHEMA]    report SCHEMA's name
          schema-version [SCHEMA] report SCHEMA's schema version
          schema-cksum [SCHEMA]   report SCHEMA's checksum
          needs-conversion [DB [SCHEMA]]  tell whether DB has another schema
          compare-versions A OP B  compare OVSDB schema version numbers
          query [DB] TRNS         execute read-only transaction on DB
          transact [DB] TRNS      execute read/write transaction on DB
          [-m]... show-log [DB]   print DB's log entries
        The default DB is {OvsFolders.Database}/conf.db.
        The default SCHEMA is {OvsFolders.PackageData}/vswitch.ovsschema.

        Other options:
          -m, --more                  increase show-log verbosity
          -h, --help                  display this help message
          -V, --version               display version information
        """;
}
