using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;
using Npgsql;

namespace Fabric.Cluster;

/// <summary>A lease in PostgreSQL, for the split-brain resolver's lease-majority.</summary>
/// <remarks>
/// A row with owner and expiry; the database's clock alone decides. Who holds it renews it at a
/// third of its life; who could not renew in time has lost it and is told, also while the database
/// does not answer. A renewal never makes a row: one that is overtaken by the release takes nothing
/// back. Configuration: <c>connection-string</c>, and <c>time-to-live</c> (20 s).
/// </remarks>
public sealed class PostgresLease : Lease
{
    private const string Table =
        "CREATE TABLE IF NOT EXISTS fabric_lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, "
        + "expires TIMESTAMPTZ NOT NULL, token BIGINT NOT NULL)";

    private const string Take =
        "INSERT INTO fabric_lease VALUES ($1, $2, now() + $3, 1) "
        + "ON CONFLICT (name) DO UPDATE SET owner = $2, expires = now() + $3, "
        + "token = fabric_lease.token + 1 "
        + "WHERE fabric_lease.owner = $2 OR fabric_lease.expires < now()";

    private const string Keep =
        "UPDATE fabric_lease SET expires = now() + $3 WHERE name = $1 AND owner = $2";

    private readonly NpgsqlDataSource _source;
    private readonly TimeSpan _life;
    private readonly IScheduler _scheduler;
    private Action<Exception> _lost = _ => { };
    private ICancelable? _renewal;
    private volatile bool _isHeld;

    /// <summary>Ticks of the scheduler's clock; from before the database was asked.</summary>
    private long _heldUntil;

    public PostgresLease(LeaseSettings settings, ExtendedActorSystem system) : base(settings)
    {
        _source = NpgsqlDataSource.Create(settings.LeaseConfig.GetString("connection-string"));
        _life = settings.LeaseConfig.GetTimeSpan("time-to-live", TimeSpan.FromSeconds(20));
        _scheduler = system.Scheduler;
    }

    public override Task<bool> Acquire() => Acquire(_ => { });

    public override async Task<bool> Acquire(Action<Exception> leaseLostCallback)
    {
        _lost = leaseLostCallback;
        _isHeld = await HoldAsync(Take, createsTable: true);
        _renewal?.Cancel();
        if (!_isHeld) return false;
        _renewal = new Cancelable(_scheduler.Advanced);
        _scheduler.Advanced.ScheduleRepeatedly(_life / 3, _life / 3, Renew, _renewal);
        return true;
    }

    public override async Task<bool> Release()
    {
        _renewal?.Cancel();
        _isHeld = false;
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            "DELETE FROM fabric_lease WHERE name = $1 AND owner = $2", connection)
        {
            Parameters =
            {
                new NpgsqlParameter { Value = Settings.LeaseName },
                new NpgsqlParameter { Value = Settings.OwnerName },
            },
        };
        return await command.ExecuteNonQueryAsync() == 1;
    }

    public override bool CheckLease() => _isHeld && !IsExpired;

    private bool IsExpired =>
        _scheduler.MonotonicClock.Ticks >= Interlocked.Read(ref _heldUntil);

    /// <returns>False: it is another's.</returns>
    private async Task<bool> HoldAsync(string statement, bool createsTable)
    {
        var until = (_scheduler.MonotonicClock + _life).Ticks;
        await using var connection = await _source.OpenConnectionAsync();
        if (createsTable)
        {
            await using var create = new NpgsqlCommand(Table, connection);
            await create.ExecuteNonQueryAsync();
        }

        await using var command = new NpgsqlCommand(statement, connection)
        {
            Parameters =
            {
                new NpgsqlParameter { Value = Settings.LeaseName },
                new NpgsqlParameter { Value = Settings.OwnerName },
                new NpgsqlParameter { Value = _life },
            },
        };
        if (await command.ExecuteNonQueryAsync() != 1) return false;
        Interlocked.Exchange(ref _heldUntil, until);
        return true;
    }

    private void Renew()
    {
        if (IsExpired)
        {
            Lose(new TimeoutException($"{Settings.LeaseName} could not be renewed in time"));
            return;
        }

        RenewAsync().ContinueWith(
            done =>
            {
                if (done.IsFaulted || done.Result) return; // It is tried again until it expires.
                Lose(new InvalidOperationException($"{Settings.LeaseName} was taken by another"));
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private void Lose(Exception why)
    {
        _renewal?.Cancel();
        if (!_isHeld) return; // Given up meanwhile.
        _isHeld = false;
        _lost(why);
    }

    internal Task<bool> RenewAsync() => HoldAsync(Keep, createsTable: false);
}
