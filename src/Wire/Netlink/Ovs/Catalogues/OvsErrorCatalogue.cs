namespace Fabric.Wire.Netlink;

/// <summary>
/// Error numbers of OVSEXT (Netlink/NetlinkError.h: MSVC's errno.h) beside Linux's.
/// </summary>
public static class OvsErrorCatalogue
{
    // Linux's numbers that callers decide on.
    public const int NotFound = 2;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int NoDevice = 19;
    public const int Invalid = 22;
    public const int NotSupported = 524;

    /// <summary>Name, Linux's number (0: Linux has none), OVSEXT's number.</summary>
    private static readonly (string Name, int Linux, int Ovsext)[] s_errors =
    [
        ("EPERM", 1, 1),
        ("ENOENT", 2, 2),
        ("ESRCH", 3, 3),
        ("EINTR", 4, 4),
        ("EIO", 5, 5),
        ("ENXIO", 6, 6),
        ("E2BIG", 7, 7),
        ("ENOEXEC", 8, 8),
        ("EBADF", 9, 9),
        ("ECHILD", 10, 10),
        ("EAGAIN", 11, 11),
        ("ENOMEM", 12, 12),
        ("EACCES", 13, 13),
        ("EFAULT", 14, 14),
        ("EBUSY", 16, 16),
        ("EEXIST", 17, 17),
        ("EXDEV", 18, 18),
        ("ENODEV", 19, 19),
        ("ENOTDIR", 20, 20),
        ("EISDIR", 21, 21),
        ("EINVAL", 22, 22),
        ("ENFILE", 23, 23),
        ("EMFILE", 24, 24),
        ("ENOTTY", 25, 25),
        ("EFBIG", 27, 27),
        ("ENOSPC", 28, 28),
        ("ESPIPE", 29, 29),
        ("EROFS", 30, 30),
        ("EMLINK", 31, 31),
        ("EPIPE", 32, 32),
        ("EDOM", 33, 33),
        ("ERANGE", 34, 34),
        ("EDEADLK", 35, 36),
        ("ENAMETOOLONG", 36, 38),
        ("ENOLCK", 37, 39),
        ("ENOSYS", 38, 40),
        ("ENOTEMPTY", 39, 41),
        ("EILSEQ", 84, 42),
        ("ESTRUNCATE", 0, 80),
        ("EADDRINUSE", 98, 100),
        ("EADDRNOTAVAIL", 99, 101),
        ("EAFNOSUPPORT", 97, 102),
        ("EALREADY", 114, 103),
        ("EBADMSG", 74, 104),
        ("ECANCELED", 125, 105),
        ("ECONNABORTED", 103, 106),
        ("ECONNREFUSED", 111, 107),
        ("ECONNRESET", 104, 108),
        ("EDESTADDRREQ", 89, 109),
        ("EHOSTUNREACH", 113, 110),
        ("EIDRM", 43, 111),
        ("EINPROGRESS", 115, 112),
        ("EISCONN", 106, 113),
        ("ELOOP", 40, 114),
        ("EMSGSIZE", 90, 115),
        ("ENETDOWN", 100, 116),
        ("ENETRESET", 102, 117),
        ("ENETUNREACH", 101, 118),
        ("ENOBUFS", 105, 119),
        ("ENODATA", 61, 120),
        ("ENOLINK", 67, 121),
        ("ENOMSG", 42, 122),
        ("ENOPROTOOPT", 92, 123),
        ("ENOSR", 63, 124),
        ("ENOSTR", 60, 125),
        ("ENOTCONN", 107, 126),
        ("ENOTRECOVERABLE", 131, 127),
        ("ENOTSOCK", 88, 128),
        ("ENOTSUPP", 524, 129),
        ("EOPNOTSUPP", 95, 130),
        ("EOTHER", 0, 131),
        ("EOVERFLOW", 75, 132),
        ("EOWNERDEAD", 130, 133),
        ("EPROTO", 71, 134),
        ("EPROTONOSUPPORT", 93, 135),
        ("EPROTOTYPE", 91, 136),
        ("ETIME", 62, 137),
        ("ETIMEDOUT", 110, 138),
        ("ETXTBSY", 26, 139),
        ("EWOULDBLOCK", 11, 140),
        ("EPENDING", 0, 141),
    ];

    /// <summary>Linux's number of an error; unknown ones and those it lacks are EIO.</summary>
    public static int ToLinux(int code, NetlinkDialect dialect)
    {
        if (dialect == NetlinkDialect.Linux || code == 0) return code;
        foreach (var (_, linux, ovsext) in s_errors)
        {
            if (ovsext == code && linux != 0) return linux;
        }

        return 5;
    }

    /// <summary>A Linux number in the dialect's numbering; unknown ones are EINVAL.</summary>
    public static int FromLinux(int code, NetlinkDialect dialect)
    {
        if (dialect == NetlinkDialect.Linux || code == 0) return code;
        foreach (var (_, linux, ovsext) in s_errors)
        {
            if (linux == code) return ovsext;
        }

        return Invalid;
    }

    /// <summary>"ENOENT" and so on; the number itself when it has no name.</summary>
    public static string NameOf(int code, NetlinkDialect dialect)
    {
        foreach (var (name, linux, ovsext) in s_errors)
        {
            if (code == (dialect == NetlinkDialect.Ovsext ? ovsext : linux)) return name;
        }

        return code.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
