using System.Data.Common;
using System.Threading.Channels;

namespace Akka.Persistence.Sql;

/// <summary>One connection and the one thread that uses it.</summary>
/// <remarks>
/// Work is done in the order in which it was given. Neighbouring writes share one SQL transaction
/// (group commit): however many actors wait, the disk is flushed once for all of them. When a
/// shared transaction fails, each write is tried alone, so that one bad write harms no other. A
/// connection that broke is opened again for the next piece of work.
/// </remarks>
internal sealed class SqlWorker : IDisposable
{
    /// <summary>Most writes in one transaction.</summary>
    private const int GroupSizeMax = 512;

    /// <summary>
    /// Waiting pieces of work; more make callers fail at once instead of piling up.
    /// </summary>
    private const int QueueLengthMax = 100_000;

    private readonly record struct Work(
        Action<DbConnection, DbTransaction?> Run,
        TaskCompletionSource Done,
        bool IsWrite);

    private readonly SqlDialect _dialect;
    private readonly Channel<Work> _queue;
    private readonly Thread _thread;
    private DbConnection? _connection;

    public SqlWorker(SqlDialect dialect, string name)
    {
        _dialect = dialect;
        _queue = Channel.CreateBounded<Work>(
            new BoundedChannelOptions(QueueLengthMax)
            {
                SingleReader = true,
                FullMode = BoundedChannelFullMode.Wait,
            });
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>
    /// Transactions committed so far: fewer than writes, when they come in crowds.
    /// </summary>
    public long CommitCount { get; private set; }

    /// <summary>Runs within a transaction of its own or shared; done when it is on disk.</summary>
    public Task Write(Action<DbConnection, DbTransaction?> write) => Enqueue(write, isWrite: true);

    public async Task<T> Read<T>(Func<DbConnection, T> read)
    {
        T result = default!;
        await Enqueue((connection, _) => result = read(connection), isWrite: false);
        return result;
    }

    private Task Enqueue(Action<DbConnection, DbTransaction?> run, bool isWrite)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_queue.Writer.TryWrite(new Work(run, done, isWrite)))
        {
            done.SetException(new InvalidOperationException(
                "the SQL journal is closed or more than 100000 requests wait for it"));
        }

        return done.Task;
    }

    private void Run()
    {
        var group = new List<Work>();
        var reader = _queue.Reader;
        while (true)
        {
            if (!reader.TryRead(out var work))
            {
                // The only blocking wait: this thread has nothing else to do.
                if (!reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult()) break;
                continue;
            }

            if (!work.IsWrite)
            {
                RunAlone(work);
                continue;
            }

            group.Add(work);
            while (group.Count < GroupSizeMax && reader.TryPeek(out var next) && next.IsWrite)
            {
                reader.TryRead(out next);
                group.Add(next);
            }

            RunGroup(group);
            group.Clear();
        }

        _connection?.Dispose();
    }

    private DbConnection Connected()
    {
        if (_connection is { State: System.Data.ConnectionState.Open }) return _connection;
        _connection?.Dispose();
        _connection = null;
        var connection = _dialect.Open();
        try
        {
            _dialect.CreateSchema(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return _connection = connection;
    }

    private void RunGroup(List<Work> group)
    {
        try
        {
            using var transaction = Connected().BeginTransaction();
            foreach (var work in group) work.Run(_connection!, transaction);
            transaction.Commit();
            CommitCount++;
        }
        catch (Exception e) when (group.Count > 1 && IsExpected(e))
        {
            foreach (var work in group) RunGroup([work]);
            return;
        }
        catch (Exception e)
        {
            DropBroken();
            group[0].Done.TrySetException(e);
            for (var i = 1; i < group.Count; i++) group[i].Done.TrySetException(e);
            return;
        }

        foreach (var work in group) work.Done.TrySetResult();
    }

    private void RunAlone(Work work)
    {
        try
        {
            work.Run(Connected(), null);
            work.Done.TrySetResult();
        }
        catch (Exception e)
        {
            DropBroken();
            work.Done.TrySetException(e);
        }
    }

    private static bool IsExpected(Exception e) => e is DbException or InvalidOperationException;

    private void DropBroken()
    {
        var isOpen = _connection is { State: System.Data.ConnectionState.Open };
        if (isOpen && _connection is not Npgsql.NpgsqlConnection)
        {
            return;
        }

        _connection?.Dispose();
        _connection = null;
    }

    /// <summary>Finishes the waiting work, then closes the connection.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        if (Thread.CurrentThread != _thread) _thread.Join(TimeSpan.FromSeconds(10));
    }
}
