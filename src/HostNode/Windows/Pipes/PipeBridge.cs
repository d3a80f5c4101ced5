namespace Fabric.HostNode.Windows;

/// <summary>Keeps one pipe for every socket in the host node's run folder.</summary>
/// <remarks>
/// Sockets come and go with bridges (br0.mgmt); the folder is looked at on a timer, since a
/// watcher may miss events. The database, the bridges and the control socket thus appear where
/// ovs-vsctl.exe, ovs-ofctl.exe and ovs-appctl.exe look for them.
/// </remarks>
internal sealed class PipeBridge : IAsyncDisposable
{
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly string _sockets;
    private readonly string _public;
    private readonly Action<string> _log;
    private readonly Dictionary<string, PipeListener> _pipes = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(1);
    private readonly ITimer _timer;

    /// <param name="sockets">The folder that the host node listens in.</param>
    /// <param name="publicFolder">The folder that tools know.</param>
    public PipeBridge(
        string sockets, string publicFolder, TimeProvider time, Action<string> log)
    {
        _sockets = sockets;
        _public = publicFolder;
        _log = log;
        _timer = time.CreateTimer(_ => _ = LookAsync(), null, TimeSpan.Zero, Period);
    }

    /// <summary>Pipes by the path that tools use.</summary>
    public IReadOnlyList<string> Paths
    {
        get
        {
            lock (_pipes) return [.. _pipes.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Makes the pipes fit the sockets.</summary>
    public async Task LookAsync()
    {
        if (!await _gate.WaitAsync(0)) return;
        try
        {
            var wanted = Wanted();
            foreach (var (path, socket) in wanted) Open(path, socket);
            foreach (var path in Paths.Where(path => !wanted.ContainsKey(path)))
            {
                PipeListener? pipe;
                lock (_pipes) _pipes.Remove(path, out pipe);
                if (pipe is not null) await pipe.DisposeAsync();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private SortedDictionary<string, string> Wanted()
    {
        var wanted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (!Directory.Exists(_sockets)) return wanted;
        foreach (var file in Directory.EnumerateFiles(_sockets).Order(StringComparer.Ordinal))
        {
            if (!PipeName.IsSocket(file)) continue;
            wanted[Path.Combine(_public, PipeName.PublicNameOf(file))] = file;
        }

        return wanted;
    }

    private void Open(string path, string socket)
    {
        lock (_pipes)
        {
            if (_pipes.ContainsKey(path)) return;
            try
            {
                _pipes.Add(path, PipeListener.Start(path, socket));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                _log($"no pipe for {path}: {error.Message}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _gate.WaitAsync();
        foreach (var pipe in _pipes.Values) await pipe.DisposeAsync();
        _pipes.Clear();
    }
}
