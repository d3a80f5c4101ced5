using Akka.Actor;

namespace Fabric.HostNode.Windows;

/// <summary>Looks at the host's NICs when something changed, and now and then anyway.</summary>
/// <remarks>
/// WMI may take seconds: this is a timer's thread, never an actor's. Ports that nobody named get
/// a name here before they are told; one that cannot be named now is tried again later.
/// </remarks>
internal sealed class VifWatch : IDisposable
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly IVirtualSwitchHost _host;
    private readonly IHcnSession? _containers;
    private readonly IActorRef _vifs;
    private readonly Action<string> _log;
    private readonly ITimer _timer;
    private readonly HashSet<string> _told = [];
    private int _isLooking;

    /// <param name="containers">Null where there is no host compute network service.</param>
    public VifWatch(
        IVirtualSwitchHost host, IHcnSession? containers, IActorRef vifs, TimeProvider time,
        Action<string> log)
    {
        _host = host;
        _containers = containers;
        _vifs = vifs;
        _log = log;
        _timer = time.CreateTimer(_ => Look(), null, TimeSpan.Zero, Period);
        _host.Changed += LookSoon;
    }

    /// <summary>One look; another one that is under way does as well.</summary>
    public void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0) return;
        try
        {
            if (_host.Nics(out var error) is not { } nics)
            {
                Tell($"virtual machines: {error}");
                return;
            }

            var isRenamed = false;
            foreach (var naming in VifRows.Namings(nics))
            {
                if (_host.TrySetPortName(naming.NicId, naming.Name, out error)) isRenamed = true;
                else Tell($"port {naming.Name}: {error}");
            }

            if (isRenamed) nics = _host.Nics(out error) ?? nics;
            _vifs.Tell(new NicsSeen(
                [.. nics, .. _containers is null ? [] : HcnCatalogue.Nics(_containers)]));
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    private void LookSoon() => _timer.Change(TimeSpan.FromMilliseconds(200), Period);

    /// <summary>Once for each text: the next look will find the same.</summary>
    private void Tell(string text)
    {
        if (_told.Add(text)) _log(text);
    }

    public void Dispose()
    {
        _host.Changed -= LookSoon;
        _timer.Dispose();
    }
}
