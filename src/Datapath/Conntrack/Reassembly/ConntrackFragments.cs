namespace Fabric.Datapath;

/// <summary>Settings and counters of reassembly, by IP version.</summary>
public sealed class ConntrackFragments
{
    public const int CountMaxDefault = 1_000;
    public const int CountMaxHighest = 5_000;
    public const int SizeMinLowest = 400;

    private volatile int _countMax = CountMaxDefault;

    public ConntrackFragmentFamily Ipv4 { get; } = new(sizeMinDefault: 1_200);
    public ConntrackFragmentFamily Ipv6 { get; } = new(sizeMinDefault: 1_280);

    /// <summary>Fragments held at most; more are dropped. At most 5,000.</summary>
    public int CountMax
    {
        get => _countMax;
        set => _countMax = Math.Clamp(value, 0, CountMaxHighest);
    }

    /// <summary>Fragments held now.</summary>
    public int Count { get; internal set; }
}

/// <summary>What holds for fragments of one IP version.</summary>
public sealed class ConntrackFragmentFamily(int sizeMinDefault)
{
    private volatile int _sizeMin = sizeMinDefault;

    /// <summary>Off: fragments are untrackable.</summary>
    public bool IsEnabled { get; set; } = true;

    /// <summary>
    /// Bytes, with the IP header, that all fragments but the last must have; at least 400.
    /// </summary>
    public int SizeMin
    {
        get => _sizeMin;
        set => _sizeMin = Math.Max(ConntrackFragments.SizeMinLowest, value);
    }

    public ulong Accepted;
    public ulong Completed;
    public ulong ExpiredReceived;
    public ulong TooSmall;
    public ulong Overlapping;
    public ulong Purged;
}
