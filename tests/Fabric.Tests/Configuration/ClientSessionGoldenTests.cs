using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>What clients hear, in which order; the databases answer at once.</summary>
public sealed class ClientSessionGoldenTests
{
    private readonly Peers _peers = new();

    [Fact]
    public void Echo_returns_whatever_was_sent()
    {
        Assert.Equal(
            """{"id":"x","result":[1,{"a":null}],"error":null}""",
            _peers.Ask("""{"method":"echo","params":[1,{"a":null}],"id":"x"}"""));
    }

    [Fact]
    public void Databases_are_listed_and_unknown_ones_are_refused()
    {
        Assert.Equal(
            """{"id":1,"result":["OVN_Northbound"],"error":null}""",
            _peers.Ask("""{"method":"list_dbs","params":[],"id":1}"""));
        Assert.Equal(
            """{"id":1,"error":{"error":"unknown database","details":"get_schema request specifies unknown database X","syntax":"[\"X\"]"}}""",
            _peers.Ask("""{"method":"get_schema","params":["X"],"id":1}"""));
        Assert.Equal(
            """{"id":1,"error":"unknown method"}""",
            _peers.Ask("""{"method":"foo","params":[],"id":1}"""));
    }

    [Fact]
    public void An_update_comes_before_the_answer_of_the_transaction_that_caused_it()
    {
        _peers.Ask("""
            {"method":"monitor_cond_since","params":["OVN_Northbound",["monid","x"],
              {"NB_Global":[{"columns":["nb_cfg"]}]},"00000000-0000-0000-0000-000000000000"],"id":1}
            """);

        var heard = _peers.Ask("""
            {"method":"transact","params":["OVN_Northbound",
              {"op":"insert","table":"NB_Global","row":{"nb_cfg":3}}],"id":2}
            """);

        Assert.Matches(
            """^\{"id":null,"method":"update3","params":\[\["monid","x"\],"[-0-9a-f]{36}",\{"NB_Global":\{"[-0-9a-f]{36}":\{"insert":\{"nb_cfg":3\}\}\}\}\]\}\{"id":2,"result":\[\{"uuid":\["uuid","[-0-9a-f]{36}"\]\}\],"error":null\}$""",
            heard);
    }

    [Fact]
    public void Update2_leaves_defaults_out_and_carries_differences()
    {
        _peers.Transact("""
            {"op":"insert","table":"Address_Set","row":{"name":"a","addresses":["set",["x","y"]]}}
            """);
        var initial = _peers.Ask("""
            {"method":"monitor_cond","params":["OVN_Northbound",null,
              {"Address_Set":[{"columns":["name","addresses","external_ids"]}]}],"id":1}
            """);
        Assert.Contains("""{"initial":{"addresses":["set",["x","y"]],"name":"a"}}""", initial);

        _peers.Transact("""
            {"op":"update","table":"Address_Set","where":[],"row":{"addresses":["set",["y","z"]],"external_ids":["map",[["k","v"]]]}}
            """);

        Assert.Contains(
            """{"modify":{"addresses":["set",["x","z"]],"external_ids":["map",[["k","v"]]]}}""",
            _peers.Heard);

        _peers.Transact("""{"op":"delete","table":"Address_Set","where":[]}""");
        Assert.Contains("""{"delete":null}""", _peers.Heard);
    }

    [Fact]
    public void The_first_dialect_tells_old_and_new()
    {
        _peers.Transact("""{"op":"insert","table":"Address_Set","row":{"name":"a"}}""");
        Assert.Contains(
            """{"new":{"addresses":["set",[]],"name":"a"}}""",
            _peers.Ask("""
                {"method":"monitor","params":["OVN_Northbound",null,
                  {"Address_Set":{"columns":["name","addresses"]}}],"id":1}
                """));

        _peers.Transact("""{"op":"update","table":"Address_Set","where":[],"row":{"addresses":"x"}}""");
        Assert.Contains(
            """{"old":{"addresses":["set",[]]},"new":{"addresses":"x","name":"a"}}""", _peers.Heard);
    }

    [Fact]
    public void Rows_come_into_view_when_the_condition_changes()
    {
        _peers.Transact("""
            {"op":"insert","table":"Address_Set","row":{"name":"a"}},
            {"op":"insert","table":"Address_Set","row":{"name":"b"}}
            """);
        Assert.DoesNotContain("\"b\"", _peers.Ask("""
            {"method":"monitor_cond_since","params":["OVN_Northbound","m",
              {"Address_Set":[{"columns":["name"],"where":[["name","==","a"]]}]},
              "00000000-0000-0000-0000-000000000000"],"id":1}
            """));

        var heard = _peers.Ask("""
            {"method":"monitor_cond_change","params":["m","m",
              {"Address_Set":[{"where":[["name","==","b"]]}]}],"id":2}
            """);

        Assert.Contains("""{"insert":{"name":"b"}}""", heard);
        Assert.Contains("""{"delete":null}""", heard);
        Assert.EndsWith("""{"id":2,"result":{},"error":null}""", heard);
        _peers.Transact("""
            {"op":"mutate","table":"Address_Set","where":[["name","==","a"]],"mutations":[["addresses","insert","x"]]}
            """);
        Assert.Equal("", _peers.Heard);
    }

    [Fact]
    public void Who_comes_back_is_told_just_what_it_missed()
    {
        _peers.Transact("""{"op":"insert","table":"Address_Set","row":{"name":"a"}}""");
        var last = _peers.Database.TransactionId;
        _peers.Transact("""{"op":"insert","table":"Address_Set","row":{"name":"b"}}""");
        _peers.Transact("""{"op":"insert","table":"Address_Set","row":{"name":"c"}}""");
        _peers.Transact("""{"op":"delete","table":"Address_Set","where":[["name","==","c"]]}""");

        var heard = _peers.Ask($$$"""
            {"method":"monitor_cond_since","params":["OVN_Northbound","m",
              {"Address_Set":[{"columns":["name"]}]},"{{{last}}}"],"id":1}
            """);

        Assert.StartsWith("""{"id":1,"result":[true,""", heard);
        Assert.Contains("""{"insert":{"name":"b"}}""", heard);
        Assert.DoesNotContain("\"a\"", heard);
        Assert.DoesNotContain("\"c\"", heard);

        Assert.StartsWith("""{"id":1,"result":[false,""", _peers.Ask("""
            {"method":"monitor_cond_since","params":["OVN_Northbound","n",
              {"Address_Set":[{"columns":["name"]}]},"00000000-0000-0000-0000-00000000abcd"],"id":1}
            """));
    }

    [Fact]
    public void Rows_without_columns_still_come_and_go()
    {
        _peers.Ask("""{"method":"monitor_cond","params":["OVN_Northbound",0,{"NB_Global":[{"columns":[]}]}],"id":1}""");

        _peers.Transact("""{"op":"insert","table":"NB_Global","row":{"name":"x"}}""");
        Assert.Contains("""{"insert":{}}""", _peers.Heard);
        _peers.Transact("""{"op":"update","table":"NB_Global","where":[],"row":{"name":"y"}}""");
        Assert.Equal("", _peers.Heard);
    }

    [Fact]
    public void A_transaction_that_waits_is_answered_after_the_change_or_when_cancelled()
    {
        const string wait = """
            {"method":"transact","params":["OVN_Northbound",{"op":"wait","table":"NB_Global","where":[],
              "columns":["nb_cfg"],"until":"==","rows":[{"nb_cfg":1}]}],"id":"w"}
            """;
        Assert.Equal("", _peers.Ask(wait));
        _peers.Transact("""{"op":"insert","table":"NB_Global","row":{"nb_cfg":1}}""");
        Assert.Equal("""{"id":"w","result":[{}],"error":null}""", _peers.Heard);

        _peers.Transact("""{"op":"update","table":"NB_Global","where":[],"row":{"nb_cfg":2}}""");
        Assert.Equal("", _peers.Ask(wait));
        Assert.Equal(
            """{"id":"w","error":"canceled"}""",
            _peers.Ask("""{"method":"cancel","params":["w"],"id":null}"""));
    }

    [Fact]
    public void Locks_are_granted_in_turn_and_stolen_at_once()
    {
        Assert.Equal(
            """{"id":1,"result":{"locked":true},"error":null}""",
            _peers.Ask("""{"method":"lock","params":["l"],"id":1}"""));
        Assert.Equal(
            """{"id":2,"result":[{}],"error":null}""",
            _peers.Ask("""{"method":"transact","params":["OVN_Northbound",{"op":"assert","lock":"l"}],"id":2}"""));
        _peers.Session.LockStolen("l");
        Assert.Equal("""{"id":null,"method":"stolen","params":["l"]}""", _peers.Take());
        Assert.Contains(
            "Asserted lock l not held.",
            _peers.Ask("""{"method":"transact","params":["OVN_Northbound",{"op":"assert","lock":"l"}],"id":3}"""));
    }

    [Fact]
    public void Waiting_clients_get_a_lock_in_the_order_they_came()
    {
        var locks = new LockTable<string>();

        Assert.True(locks.Request("l", "a"));
        Assert.False(locks.Request("l", "b"));
        Assert.False(locks.Request("l", "c"));
        Assert.Equal("a", locks.Steal("l", "d"));
        Assert.Equal("a", locks.Release("l", "d"));
        Assert.Equal([("l", "b")], locks.ReleaseAll("a"));
        Assert.Equal("c", locks.Release("l", "b"));
        Assert.Null(locks.Release("l", "c"));
    }

    [Fact]
    public void Broken_requests_are_answered_and_never_throw()
    {
        foreach (var method in new[]
        {
            "transact", "monitor", "monitor_cond", "monitor_cond_since", "monitor_cond_change",
            "monitor_cancel", "get_schema", "lock", "unlock", "steal", "convert", "echo",
            "set_db_change_aware", "list_dbs", "get_server_id",
        })
        {
            foreach (var parameters in new[]
            {
                "[]", "[5]", "[null,null,null]", """["OVN_Northbound"]""", """["OVN_Northbound",5]""",
                """["OVN_Northbound",5,6]""", """["OVN_Northbound",null,{"ACL":5}]""",
                """["OVN_Northbound",null,{"ACL":[{"columns":[5]}]}]""",
                """["OVN_Northbound",null,{"ACL":[{"select":5}]}]""",
                """["OVN_Northbound",null,{"ACL":[{"where":[5]}]}]""",
                """["OVN_Northbound",{"name":"OVN_Northbound","tables":5}]""",
            })
            {
                Assert.NotEqual(
                    "", _peers.Ask($$$"""{"method":"{{{method}}}","params":{{{parameters}}},"id":1}"""));
            }
        }
    }

    /// <summary>A server with one database and one client; all of it answers at once.</summary>
    private sealed class Peers : ISessionPeers
    {
        private readonly DatabaseFixture _fixture = new(NorthboundSchema.Schema);
        private readonly List<(Transact Request, bool IsInternal)> _waiting = [];
        private bool _isSubscribed;

        public Peers() => Session = new ClientSession(this, TransactionOrigin.Internal);

        public ClientSession Session { get; }
        public string Heard { get; private set; } = "";
        public DatabaseSnapshot Database => _fixture.Snapshot;
        public IEnumerable<string> Databases => [NorthboundSchema.Name];
        public Guid ServerId { get; } = Guid.NewGuid();

        public string Ask(string message)
        {
            var json = Encoding.UTF8.GetBytes(message);
            Assert.True(JsonText.TryParse(json, out var document, out var problem), problem);
            Assert.True(JsonRpcMessage.TryRead(document!.RootElement, out var read, out problem));
            Session.Hear(read);
            return Take();
        }

        public string Take()
        {
            var text = Encoding.UTF8.GetString(Session.Output.WrittenSpan);
            Session.Output.ResetWrittenCount();
            return text;
        }

        /// <summary>A transaction of somebody else.</summary>
        public void Transact(string operations)
        {
            var json = JsonDocument.Parse($"[{operations}]").RootElement;
            var typed = OperationReader.Read(
                NorthboundSchema.Schema, [.. json.EnumerateArray()], Guid.NewGuid);
            Execute(new Transact(0, typed), isInternal: true);
            Heard = Take();
        }

        private void Execute(Transact request, bool isInternal)
        {
            var before = _fixture.Snapshot;
            _fixture.Transact(
                request.Operations, context => context with { Origin = request.Origin });
            var outcome = _fixture.Last!;
            if (outcome.IsBlocked)
            {
                _waiting.Add((request, isInternal));
                return;
            }

            if (outcome.Delta is not null && _isSubscribed)
            {
                var changed = new DatabaseChanged(before, outcome.Snapshot, outcome.Changes);
                Session.DatabaseChanged(NorthboundSchema.Name, changed);
            }

            if (!isInternal)
            {
                Session.TransactCompleted(
                    new TransactCompleted(request.RequestId, outcome.Results, outcome.Error));
            }

            if (outcome.Delta is null) return;
            var retry = _waiting.ToArray();
            _waiting.Clear();
            foreach (var (waiting, isOwn) in retry) Execute(waiting, isOwn);
        }

        public bool TrySchema(string database, out DatabaseSchema schema)
        {
            schema = NorthboundSchema.Schema;
            return database == NorthboundSchema.Name;
        }

        public void Subscribe(string database)
        {
            _isSubscribed = true;
            var before = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
            Session.DatabaseChanged(
                database, new DatabaseChanged(before, _fixture.Snapshot, []));
        }

        public void Transact(string database, Transact transact) =>
            Execute(transact, isInternal: false);

        public void CancelTransact(string database, long requestId)
        {
            _waiting.RemoveAll(waiting => waiting.Request.RequestId == requestId);
            Session.TransactCompleted(
                new TransactCompleted(requestId, [], OvsdbError.Canceled));
        }

        public void Convert(string database, long requestId, DatabaseSchema schema) =>
            Session.TransactCompleted(new TransactCompleted(
                requestId, [], OvsdbError.NotAllowed("not here")));

        public void RequestLock(long requestId, string name, bool isSteal) =>
            Session.LockAnswered(requestId, isLocked: true);

        public void ReleaseLock(string name)
        {
        }

        public void Close(string reason)
        {
        }
    }
}
