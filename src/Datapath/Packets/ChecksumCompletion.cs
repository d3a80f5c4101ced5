using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Finishes checksums that a sender left to the hardware.</summary>
internal static class ChecksumCompletion
{
    /// <summary>Does nothing to a packet whose checksum is finished.</summary>
    /// <returns>False when the description points outside the packet.</returns>
    public static bool TryComplete(PacketBuffer packet)
    {
        var start = packet.ChecksumStart;
        if (start < 0) return true;

        var bytes = packet.Bytes;
        var field = start + packet.ChecksumOffset;
        if (start > bytes.Length || packet.ChecksumOffset < 0 || field + 2 > bytes.Length)
        {
            return false;
        }

        // The field holds the pseudo-header's sum, so that summing over it includes that.
        var checksum = InternetChecksum.ComputeWire(bytes[start..]);
        if (checksum == 0) checksum = 0xFFFF; // UDP's zero means "none"; equal to others.
        Unsafe.WriteUnaligned(ref bytes[field], checksum);
        packet.ChecksumStart = -1;
        packet.ChecksumOffset = 0;
        packet.IsChecksumValid = true;
        return true;
    }
}
