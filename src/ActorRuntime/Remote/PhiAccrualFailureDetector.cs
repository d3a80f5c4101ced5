namespace Akka.Remote;

/// <summary>
/// Suspicion as a number: phi 1 errs one time in ten, phi 8 one in a hundred million.
/// </summary>
/// <remarks>
/// After Hayashibara et al., "The phi accrual failure detector". Heartbeat intervals are taken as
/// normally distributed; phi = -log10(P(an interval is longer than the present silence)). Times
/// are milliseconds of a monotonic clock. One thread at a time.
/// </remarks>
public sealed class PhiAccrualFailureDetector
{
    private readonly Func<long> _clock;
    private readonly double _threshold;
    private readonly double _minStdDeviation;
    private readonly double _acceptablePause;
    private readonly double[] _intervals;
    private int _count;
    private int _next;
    private double _sum;
    private double _squaredSum;
    private long? _latest;

    public PhiAccrualFailureDetector(
        double threshold,
        int maxSampleSize,
        TimeSpan minStdDeviation,
        TimeSpan acceptableHeartbeatPause,
        TimeSpan firstHeartbeatEstimate,
        Func<long> clock)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSampleSize, 2);
        _threshold = threshold;
        _minStdDeviation = minStdDeviation.TotalMilliseconds;
        _acceptablePause = acceptableHeartbeatPause.TotalMilliseconds;
        _intervals = new double[maxSampleSize];
        _clock = clock;

        // Two samples around the estimate: a wide distribution, until there is experience.
        var mean = firstHeartbeatEstimate.TotalMilliseconds;
        Sample(mean - mean / 4);
        Sample(mean + mean / 4);
    }

    public bool IsAvailable => Phi < _threshold;

    /// <summary>True once the first heartbeat was heard.</summary>
    public bool IsMonitoring => _latest is not null;

    public double Phi
    {
        get
        {
            if (_latest is not { } latest) return 0;
            var mean = _sum / _count;
            var variance = Math.Max(0, _squaredSum / _count - mean * mean);
            var deviation = Math.Max(Math.Sqrt(variance), _minStdDeviation);
            return PhiOf(_clock() - latest, mean + _acceptablePause, deviation);
        }
    }

    public void HeartBeat()
    {
        var now = _clock();
        // An interval that made the node suspected is an outage, not a sample.
        if (_latest is { } latest && IsAvailable) Sample(now - latest);
        _latest = now;
    }

    /// <summary>
    /// The logistic approximation to the normal distribution's tail (error below 0.014 %).
    /// </summary>
    internal static double PhiOf(double silence, double mean, double deviation)
    {
        var y = (silence - mean) / deviation;
        var e = Math.Exp(-y * (1.5976 + 0.070566 * y * y));
        return silence > mean ? -Math.Log10(e / (1 + e)) : -Math.Log10(1 - 1 / (1 + e));
    }

    private void Sample(double interval)
    {
        if (_count == _intervals.Length)
        {
            var oldest = _intervals[_next];
            _sum -= oldest;
            _squaredSum -= oldest * oldest;
        }
        else
        {
            _count++;
        }

        _intervals[_next] = interval;
        _next = (_next + 1) % _intervals.Length;
        _sum += interval;
        _squaredSum += interval * interval;
    }
}

/// <summary>One failure detector per watched node, made at its first heartbeat.</summary>
internal sealed class FailureDetectorRegistry<TKey>(Func<PhiAccrualFailureDetector> factory)
    where TKey : notnull
{
    private readonly Dictionary<TKey, PhiAccrualFailureDetector> _detectors = [];

    public bool IsAvailable(TKey key) =>
        !_detectors.TryGetValue(key, out var detector) || detector.IsAvailable;

    public bool IsMonitoring(TKey key) =>
        _detectors.TryGetValue(key, out var detector) && detector.IsMonitoring;

    public void Heartbeat(TKey key)
    {
        if (!_detectors.TryGetValue(key, out var detector))
        {
            _detectors[key] = detector = factory();
        }

        detector.HeartBeat();
    }

    public void Remove(TKey key) => _detectors.Remove(key);

    public void Reset() => _detectors.Clear();
}
