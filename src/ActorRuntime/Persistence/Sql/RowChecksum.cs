using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Akka.Persistence.Sql;

/// <summary>What tells a row that was changed behind the journal's back.</summary>
internal static class RowChecksum
{
    /// <summary>
    /// The first 8 bytes, big-endian, of SHA-256 over everything that replay depends on.
    /// </summary>
    public static long Of(
        string persistenceId, long sequenceNr, int identifier, string manifest, byte[] payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> numbers = stackalloc byte[20];
        BinaryPrimitives.WriteInt64BigEndian(numbers, sequenceNr);
        BinaryPrimitives.WriteInt32BigEndian(numbers[8..], identifier);
        BinaryPrimitives.WriteInt32BigEndian(numbers[12..], persistenceId.Length);
        BinaryPrimitives.WriteInt32BigEndian(numbers[16..], manifest.Length);
        hash.AppendData(numbers);
        hash.AppendData(Encoding.UTF8.GetBytes(persistenceId));
        hash.AppendData(Encoding.UTF8.GetBytes(manifest));
        hash.AppendData(payload);
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadInt64BigEndian(digest);
    }
}
