namespace Fabric.Host;

/// <summary>Who is said to log, RFC 3164 section 4.1.1, by the names of ovs-appctl(8).</summary>
internal enum SyslogFacility : byte
{
    Kern = 0,
    User = 1,
    Mail = 2,
    Daemon = 3,
    Auth = 4,
    Syslog = 5,
    Lpr = 6,
    News = 7,
    Uucp = 8,
    Clock = 9,
    Ftp = 11,
    Ntp = 12,
    Audit = 13,
    Alert = 14,
    Clock2 = 15,
    Local0 = 16,
    Local1 = 17,
    Local2 = 18,
    Local3 = 19,
    Local4 = 20,
    Local5 = 21,
    Local6 = 22,
    Local7 = 23,
}

/// <summary>One line of the log before it has a form.</summary>
/// <param name="Number">Counts lines from 1.</param>
internal readonly record struct VlogLine(
    DateTimeOffset Time, int Number, string Module, VlogLevel Level, string Text, string Program,
    SyslogFacility Facility)
{
    /// <summary>Facility and severity as syslog has them.</summary>
    public int Priority => ((int)Facility << 3) | Level switch
    {
        VlogLevel.Emer => 1,
        VlogLevel.Err => 3,
        VlogLevel.Warn => 4,
        VlogLevel.Info => 5,
        _ => 7,
    };
}
