using Fabric.Wire.Ovsdb;
using static Fabric.Configuration.SchemaWords;

namespace Fabric.Configuration;

/// <summary>The database about a server's databases (ovsdb-server(5)).</summary>
public static class ServerSchema
{
    public const string Name = "_Server";
    public const string Version = "1.2.0";

    public static DatabaseSchema Schema { get; } = new(Name, Version,
    [
        Root("Database",
            Column("cid", Optional(Uuid)),
            Column("connected", Truth),
            Column("index", Optional(Number)),
            Column("leader", Truth),
            Column("model", OneOf("standalone", "clustered", "relay")),
            Column("name", Text),
            Column("schema", Optional(Text)),
            Column("sid", Optional(Uuid))),
    ]);
}
