using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Fabric.Datapath;

/// <summary>
/// Which Geneve options this host understands: critical ones it must (RFC 8926, 3.5).
/// </summary>
public sealed class GeneveOptions
{
    private const byte Critical = 0x80;

    /// <summary>Class 0x0102, type 0x80: OVN's logical ingress and egress ports.</summary>
    private const uint OvnPorts = (0x0102u << 8) | 0x80;

    private readonly ConcurrentDictionary<uint, bool> _known = new() { [OvnPorts] = true };

    /// <summary>From now on packets with this critical option are let in.</summary>
    public void Accept(ushort optionClass, byte type) =>
        _known[((uint)optionClass << 8) | type] = true;

    public void Forget(ushort optionClass, byte type)
    {
        var option = ((uint)optionClass << 8) | type;
        if (option != OvnPorts) _known.TryRemove(option, out _);
    }

    /// <summary>
    /// Walks the options; None when all are whole and every critical one is known.
    /// </summary>
    internal Fabric.Wire.DropReason Check(ReadOnlySpan<byte> options)
    {
        while (!options.IsEmpty)
        {
            if (options.Length < 4) return Fabric.Wire.DropReason.GeneveOption;
            var size = 4 + ((options[3] & 0x1F) * 4);
            if (size > options.Length) return Fabric.Wire.DropReason.GeneveOption;
            if ((options[2] & Critical) != 0)
            {
                var option = ((uint)BinaryPrimitives.ReadUInt16BigEndian(options) << 8)
                    | options[2];
                if (!_known.ContainsKey(option)) return Fabric.Wire.DropReason.GeneveCriticalOption;
            }

            options = options[size..];
        }

        return Fabric.Wire.DropReason.None;
    }
}
