namespace Fabric.Controllers;

/// <summary>
/// Limits of the OpenFlow connections; each says what happens when it is reached.
/// </summary>
public static class Limits
{
    /// <summary>Batches of messages read ahead: the reader waits.</summary>
    public const int ReadCredit = 4;

    /// <summary>Requests that the switch has not answered: the reader waits.</summary>
    public const int OutstandingRequestCountMax = 32;

    /// <summary>Changes in one request to the switch: a further request begins.</summary>
    public const int ChangeCountMax = 4096;

    /// <summary>
    /// Asynchronous messages (packet-ins ...) beyond this many bytes: dropped, counted.
    /// </summary>
    public const long AsyncOutboundSizeMax = FramePump.OutboundHigh;

    /// <summary>Waiting replies beyond this: the connection is closed as too slow.</summary>
    public const long OutboundSizeMax = 512L * 1024 * 1024;

    /// <summary>
    /// Bytes of a statistics reply that are encoded before they are sent: the peer reads the first
    /// flows while the next are written.
    /// </summary>
    public const int ReplySizeMin = 60 * 1024;

    /// <summary>Open bundles of one connection: OFPBFC_OUT_OF_BUNDLES.</summary>
    public const int BundleCountMax = 128;

    /// <summary>Bytes of messages in one bundle: OFPBFC_MSG_TOO_MANY.</summary>
    public const long BundleSizeMax = 512L * 1024 * 1024;

    /// <summary>Seconds without a message for a bundle: it is removed, OFPBFC_TIMEOUT.</summary>
    public const int BundleIdleSeconds = 10;

    /// <summary>Flow monitors of one connection: OFPMOFC_UNKNOWN.</summary>
    public const int MonitorCountMax = 1024;

    /// <summary>Connections of one listener: further ones are closed at once.</summary>
    public const int ConnectionCountMax = 256;

    /// <summary>Bytes of an offending message in an error message: all that fit.</summary>
    public const int ErrorDataSize = ushort.MaxValue - 12;

    /// <summary>Bytes of one unixctl request: the connection is closed.</summary>
    public const int UnixctlRequestSizeMax = 1024 * 1024;
}
