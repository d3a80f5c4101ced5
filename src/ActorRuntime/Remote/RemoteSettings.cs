using System.Collections.Immutable;
using Akka.Configuration;

namespace Akka.Remote;

/// <summary>What <c>akka.remote</c> says, read once.</summary>
internal sealed class RemoteSettings
{
    public RemoteSettings(Config config)
    {
        var remote = config.GetConfig("akka.remote");
        var tcp = remote.GetConfig("dot-netty.tcp");
        Hostname = Blank(tcp.GetString("hostname")) ?? "127.0.0.1";
        Port = tcp.GetInt("port", 2552);
        PublicHostname = Blank(tcp.GetString("public-hostname")) ?? Hostname;
        PublicPort = tcp.GetInt("public-port", 0);
        IsTlsEnabled = tcp.GetBoolean("enable-ssl");
        FrameSizeMax = (int)(tcp.GetByteSize("maximum-frame-size") ?? 128_000);
        ConnectionTimeout = tcp.GetTimeSpan("connection-timeout", TimeSpan.FromSeconds(15));
        Tls = new TlsSettings(tcp.GetConfig("ssl"));
        RetryGateClosedFor = remote.GetTimeSpan("retry-gate-closed-for", TimeSpan.FromSeconds(1));
        HandshakeTimeout = remote.GetTimeSpan("handshake-timeout", TimeSpan.FromSeconds(15));
        OutboundQueueSize = remote.GetInt("outbound-queue-size", 20_000);
        SystemMessageBufferSize = remote.GetInt("system-message-buffer-size", 20_000);
        IsUntrusted = remote.GetBoolean("untrusted-mode");
        TrustedSelectionPaths = [.. remote.GetStringList("trusted-selection-paths")];
        var watch = remote.GetConfig("watch-failure-detector");
        WatchHeartbeatInterval = watch.GetTimeSpan("heartbeat-interval");
        WatchReaperInterval = watch.GetTimeSpan("unreachable-nodes-reaper-interval");
        WatchDetector = new FailureDetectorSettings(watch);
        if (FrameSizeMax < 32_000)
        {
            throw new ConfigurationException(
                "akka.remote.dot-netty.tcp.maximum-frame-size must be at least 32000 bytes");
        }
    }

    public string Hostname { get; }
    public int Port { get; }
    public string PublicHostname { get; }
    public int PublicPort { get; }
    public bool IsTlsEnabled { get; }
    public int FrameSizeMax { get; }
    public TimeSpan ConnectionTimeout { get; }
    public TlsSettings Tls { get; }

    /// <summary>
    /// Longest pause between two attempts to connect; the first pauses are shorter.
    /// </summary>
    public TimeSpan RetryGateClosedFor { get; }

    public TimeSpan HandshakeTimeout { get; }

    /// <summary>Messages that wait for one remote system; more are dropped and counted.</summary>
    public int OutboundQueueSize { get; }

    /// <summary>Unacknowledged system messages; more quarantine the remote system.</summary>
    public int SystemMessageBufferSize { get; }

    public bool IsUntrusted { get; }
    public IReadOnlyList<string> TrustedSelectionPaths { get; }
    public TimeSpan WatchHeartbeatInterval { get; }
    public TimeSpan WatchReaperInterval { get; }
    public FailureDetectorSettings WatchDetector { get; }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    /// <summary>The defaults, under Akka's keys.</summary>
    public const string Reference =
        """
        akka.remote {
          retry-gate-closed-for = 1s
          handshake-timeout = 15s
          outbound-queue-size = 20000
          system-message-buffer-size = 20000
          untrusted-mode = off
          trusted-selection-paths = []
          watch-failure-detector {
            heartbeat-interval = 1s
            threshold = 10.0
            max-sample-size = 200
            min-std-deviation = 100ms
            acceptable-heartbeat-pause = 10s
            unreachable-nodes-reaper-interval = 1s
            expected-response-after = 1s
          }
          dot-netty.tcp {
            hostname = ""
            port = 2552
            public-hostname = ""
            public-port = 0
            enable-ssl = false
            maximum-frame-size = 128000b
            connection-timeout = 15s
            ssl {
              suppress-validation = false
              require-mutual-authentication = true
              certificate { path = "", password = "", key-path = "" }
              authority-path = ""
            }
          }
        }
        """;
}

/// <summary>How a phi-accrual failure detector is made.</summary>
internal sealed class FailureDetectorSettings(Config config)
{
    private readonly double _threshold = config.GetDouble("threshold", 8);
    private readonly int _sampleSizeMax = config.GetInt("max-sample-size", 1000);
    private readonly TimeSpan _minStdDeviation =
        config.GetTimeSpan("min-std-deviation", TimeSpan.FromMilliseconds(100));
    private readonly TimeSpan _firstEstimate =
        config.GetTimeSpan("heartbeat-interval", TimeSpan.FromSeconds(1));

    public TimeSpan AcceptablePause { get; } =
        config.GetTimeSpan("acceptable-heartbeat-pause", TimeSpan.FromSeconds(3));

    public TimeSpan ExpectedResponseAfter { get; } =
        config.GetTimeSpan("expected-response-after", TimeSpan.FromSeconds(1));

    /// <param name="milliseconds">A monotonic clock.</param>
    public PhiAccrualFailureDetector Create(Func<long> milliseconds) => new(
        _threshold, _sampleSizeMax, _minStdDeviation, AcceptablePause, _firstEstimate,
        milliseconds);
}

/// <summary>Where this node's certificate is, and whom it trusts.</summary>
/// <remarks>
/// <c>certificate.path</c> is a PKCS#12 file with <c>certificate.password</c>, or a PEM file with
/// its key in <c>certificate.key-path</c>. <c>authority-path</c> is the PEM file of the authority
/// whose certificates are accepted; without it the machine's trusted roots decide.
/// </remarks>
internal sealed class TlsSettings(Config config)
{
    public string CertificatePath { get; } = config.GetString("certificate.path") ?? "";
    public string Password { get; } = config.GetString("certificate.password") ?? "";
    public string KeyPath { get; } = config.GetString("certificate.key-path") ?? "";
    public string AuthorityPath { get; } = config.GetString("authority-path") ?? "";

    /// <summary>Serial numbers that are refused, as a PEM file; may appear later.</summary>
    public string RevocationListPath { get; } = config.GetString("revocation-list-path") ?? "";

    /// <summary>See <see cref="PeerTrust"/>; empty: names are not compared.</summary>
    public string PeerNameRolePrefix { get; } = config.GetString("peer-name-role-prefix") ?? "";

    public ImmutableSortedSet<string> GrantedRoles { get; } =
        [.. config.GetStringList("granted-roles")];

    public bool IsMutual { get; } = config.GetBoolean("require-mutual-authentication", true);
    public bool IsValidationSuppressed { get; } = config.GetBoolean("suppress-validation");
}
