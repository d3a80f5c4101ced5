using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>Kinds of DHCPv6 messages that delegate prefixes (RFC 8415 7.3).</summary>
internal enum PrefixMessageType : byte
{
    Solicit = 1,
    Advertise = 2,
    Request = 3,
    Renew = 5,
    Rebind = 6,
    Reply = 7,
}

/// <summary>What a server says of one association of prefixes.</summary>
/// <param name="Transaction">24 bits.</param>
/// <param name="Server">Its DUID; empty when it gave none.</param>
/// <param name="Prefix">Null: it delegates none.</param>
/// <param name="Renew">Seconds until it is to be asked again (T1); 0: as it likes.</param>
/// <param name="Rebind">Seconds until any server may be asked (T2); 0: likewise.</param>
/// <param name="Valid">Seconds that the prefix may be used.</param>
internal sealed record PrefixAnswer(
    PrefixMessageType Type, uint Transaction, byte[] Server, IpPrefix? Prefix, uint Renew,
    uint Rebind, uint Valid);

/// <summary>Messages of a client that asks for prefixes (RFC 8415 18.2, 21.21, 21.22).</summary>
internal static class PrefixMessage
{
    public const ushort ClientPort = 546, ServerPort = 547;

    private const ushort OptionClientId = 1, OptionServerId = 2, OptionElapsed = 8,
        OptionStatus = 13, OptionPrefixes = 25, OptionPrefix = 26;

    private const int HeaderSize = 4;
    private const int AssociationSize = 12, PrefixSize = 25;

    /// <param name="association">IAID: which prefix of this client is meant.</param>
    /// <param name="prefix">What was offered or is held; null: whatever there is.</param>
    public static byte[] Compose(
        PrefixMessageType type, uint transaction, MacBytes client, uint association, byte[] server,
        IpPrefix? prefix)
    {
        var body = new List<byte>
        {
            (byte)type, (byte)(transaction >> 16), (byte)(transaction >> 8), (byte)transaction,
        };
        Dhcpv6Options.Add(body, OptionClientId, Dhcpv6Options.DuidOf(client));
        if (server.Length > 0) Dhcpv6Options.Add(body, OptionServerId, server);
        Dhcpv6Options.Add(body, OptionElapsed, [0, 0]);
        var identity = new byte[AssociationSize];
        BinaryPrimitives.WriteUInt32BigEndian(identity, association);
        var options = new List<byte>(identity);
        if (prefix is { } asked)
        {
            // Lifetimes of zero: the server decides.
            var wanted = new byte[PrefixSize];
            wanted[8] = (byte)asked.Length;
            asked.Network.ToAddress().GetAddressBytes().CopyTo(wanted, 9);
            Dhcpv6Options.Add(options, OptionPrefix, wanted);
        }

        Dhcpv6Options.Add(body, OptionPrefixes, [.. options]);
        return [.. body];
    }

    /// <summary>Null: not an answer to this client's association.</summary>
    public static PrefixAnswer? Read(
        ReadOnlySpan<byte> message, MacBytes client, uint association)
    {
        if (message.Length < HeaderSize
            || (PrefixMessageType)message[0] is not (PrefixMessageType.Advertise
                or PrefixMessageType.Reply))
        {
            return null;
        }

        var answer = new PrefixAnswer(
            (PrefixMessageType)message[0],
            BinaryPrimitives.ReadUInt32BigEndian(message) & 0xff_ffff, [], null, 0, 0, 0);
        var isOurs = false;
        var options = new Dhcpv6Options(message[HeaderSize..]);
        while (options.Next())
        {
            var value = options.Value;
            if (options.Code == OptionClientId)
                isOurs = value.SequenceEqual(Dhcpv6Options.DuidOf(client));
            if (options.Code == OptionServerId) answer = answer with { Server = value.ToArray() };
            if (options.Code == OptionPrefixes && value.Length >= AssociationSize
                && BinaryPrimitives.ReadUInt32BigEndian(value) == association)
            {
                answer = ReadPrefix(value, answer);
            }
        }

        return isOurs && options.IsAtEnd ? answer : null;
    }

    private static PrefixAnswer ReadPrefix(ReadOnlySpan<byte> value, PrefixAnswer answer)
    {
        answer = answer with
        {
            Renew = BinaryPrimitives.ReadUInt32BigEndian(value[4..]),
            Rebind = BinaryPrimitives.ReadUInt32BigEndian(value[8..]),
        };
        var options = new Dhcpv6Options(value[AssociationSize..]);
        while (options.Next())
        {
            var part = options.Value;
            if (options.Code == OptionStatus && part.Length >= 2 && (part[0] | part[1]) != 0)
                return answer with { Prefix = null };
            if (options.Code != OptionPrefix || part.Length < PrefixSize || part[8] > 128) continue;
            var valid = BinaryPrimitives.ReadUInt32BigEndian(part[4..]);
            var address = BinaryPrimitives.ReadUInt128BigEndian(part[9..]);
            if (valid == 0) continue;
            answer = answer with
            {
                Prefix = new IpPrefix(true, address, part[8]).Network,
                Valid = valid,
            };
        }

        return answer;
    }
}
