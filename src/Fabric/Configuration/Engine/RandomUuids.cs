using System.Security.Cryptography;

namespace Fabric.Configuration;

/// <summary>Random UUIDs (version 4), made some at a time: one system call for all.</summary>
internal static class RandomUuids
{
    private const int Size = 16;
    private const int Count = 64;

    [ThreadStatic]
    private static byte[]? _bytes;

    [ThreadStatic]
    private static int _left;

    public static Guid New()
    {
        var bytes = _bytes ??= new byte[Size * Count];
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(bytes);
            _left = Count;
        }

        var uuid = bytes.AsSpan(--_left * Size, Size);
        uuid[6] = (byte)((uuid[6] & 0x0F) | 0x40);
        uuid[8] = (byte)((uuid[8] & 0x3F) | 0x80);
        return new Guid(uuid, bigEndian: true);
    }
}
