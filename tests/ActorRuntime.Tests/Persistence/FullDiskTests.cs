using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;

namespace Fabric.ActorRuntime.Tests.Persistence;

/// <summary>A file system of one megabyte, until it is full.</summary>
public sealed class FullDiskTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _disk = Directory.CreateTempSubdirectory("full").FullName;
    private readonly bool _isMounted;

    public FullDiskTests() => _isMounted = OperatingSystem.IsLinux()
        && Environment.IsPrivilegedProcess && Run("mount", "-t", "tmpfs", "-o", "size=1m", "none");

    private string Ballast => Path.Combine(_disk, "ballast");

    /// <remarks>
    /// Goal: a full disk is never acknowledged, harms nothing that was, and goes by when there is
    /// room again. Method: events of 16 KiB until the actor gives up; then a file is removed and
    /// the actor made anew, in the same system and in another one.
    /// </remarks>
    [Fact]
    public async Task Nothing_is_acknowledged_that_is_not_on_disk_and_room_mends_it()
    {
        if (!_isMounted) return; // Only root can make a disk that is full.
        await File.WriteAllBytesAsync(Ballast, new byte[512 * 1024]);
        var acknowledged = 0;
        await RunSystem(async system =>
        {
            acknowledged = await FillAsync(system);
            Assert.InRange(acknowledged, 1, 64);
            File.Delete(Ballast);
            var again = Ledger(system, system.DeadLetters);
            Assert.Equal(acknowledged, await CountAsync(again));
            await again.Ask<string>(new Add("more"), Patience);
        });
        await RunSystem(async system => Assert.Equal(
            acknowledged + 1, await CountAsync(Ledger(system, system.DeadLetters))));
    }

    public void Dispose()
    {
        if (_isMounted) Run("umount");
        Directory.Delete(_disk, recursive: true);
    }

    /// <returns>How many events were acknowledged before the actor gave up.</returns>
    private static async Task<int> FillAsync(ActorSystem system)
    {
        var ended = new TaskCompletionSource();
        var ledger = Ledger(system, system.DeadLetters);
        system.ActorOf(Props.Create(() => new Mourner(ledger, ended)));
        for (var count = 0; ; count++)
        {
            var answer = ledger.Ask<string>(
                new Add(new string((char)('a' + count % 26), 16 * 1024)), Patience);
            if (await Task.WhenAny(answer, ended.Task) == ended.Task) return count;
            await answer;
        }
    }

    private static async Task<int> CountAsync(IActorRef ledger) =>
        (await ledger.Ask<string>(new GetAll(), Patience)).Split(',').Length;

    private static IActorRef Ledger(ActorSystem system, IActorRef observer) =>
        system.ActorOf(Props.Create(() => new LedgerActor("full", observer)));

    private async Task RunSystem(Func<ActorSystem, Task> test)
    {
        var file = Path.Combine(_disk, "state.db");
        var system = ActorSystem.Create("p", ConfigurationFactory.ParseString($$"""
            akka { loglevel = OFF, stdout-loglevel = OFF }
            akka.persistence.journal.plugin = "akka.persistence.journal.sql"
            akka.persistence.journal.sql {
              connection-string = "Data Source={{file}}", provider-name = "SQLite.MS" }
            """));
        try
        {
            await test(system);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, [.. arguments, _disk]);
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private sealed class Mourner : ReceiveActor
    {
        public Mourner(IActorRef subject, TaskCompletionSource ended)
        {
            Context.Watch(subject);
            Receive<Terminated>(_ => ended.TrySetResult());
        }
    }
}
