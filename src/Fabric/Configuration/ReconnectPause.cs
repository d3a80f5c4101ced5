namespace Fabric.Configuration;

/// <summary>How long to rest before the next attempt: 1 s, twice as long each time, 8 s.</summary>
internal sealed class ReconnectPause
{
    private static readonly TimeSpan Min = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(8);

    private TimeSpan _next = Min;

    /// <summary>An attempt has succeeded.</summary>
    public void Reset() => _next = Min;

    public TimeSpan Take()
    {
        var pause = _next;
        _next = pause * 2 < Max ? pause * 2 : Max;
        return pause;
    }
}
