namespace Fabric.Controllers;

/// <summary>So many events per second, with bursts; time comes from outside.</summary>
public sealed class TokenBucket
{
    private readonly int _rate;
    private readonly int _burst;
    private readonly TimeProvider _time;
    private double _tokens;
    private long _last;

    /// <param name="rate">Per second; 0 and less: no limit.</param>
    /// <param name="burst">At most this many at once; 0: a quarter of the rate.</param>
    public TokenBucket(int rate, int burst, TimeProvider time)
    {
        (_rate, _burst, _time) = (rate, burst > 0 ? burst : Math.Max(1, rate / 4), time);
        _tokens = _burst;
        _last = time.GetTimestamp();
    }

    /// <summary>Takes one; false: there is none now.</summary>
    public bool TryTake()
    {
        if (_rate <= 0) return true;
        var now = _time.GetTimestamp();
        _tokens = Math.Min(_burst,
            _tokens + (_time.GetElapsedTime(_last, now).TotalSeconds * _rate));
        _last = now;
        if (_tokens < 1) return false;
        _tokens -= 1;
        return true;
    }
}
