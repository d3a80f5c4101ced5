namespace Fabric.Configuration;

/// <summary>What one OVSDB server gives to its clients.</summary>
public static class OvsdbServerLimits
{
    /// <summary>Clients of one listener; more are accepted and closed at once.</summary>
    public const int SessionCountMax = 4096;

    /// <summary>Bytes that a client has not read yet; with more it is cut off.</summary>
    public const int BacklogSizeMax = 64 * 1024 * 1024;

    /// <summary>Bytes not read yet from which on changes are told together.</summary>
    public const int BacklogSizeCombine = 256 * 1024;

    /// <summary>Bytes not read yet from which on nothing more is read from a client.</summary>
    public const int BacklogSizePause = 4 * 1024 * 1024;

    /// <summary>Unanswered requests from which on nothing more is read from a client.</summary>
    public const int PendingCountPause = 1024;

    /// <summary>Silence after which a TCP or TLS client is asked for a sign of life; after the
    /// same time again it is cut off.</summary>
    public static readonly TimeSpan ProbeIntervalDefault = TimeSpan.FromSeconds(5);
}
