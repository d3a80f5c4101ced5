using System.Buffers.Binary;
using Fabric.Logical;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

public sealed class PrefixSessionTests
{
    private const uint Association = 5;

    private static readonly MacBytes Client = MacBytes.FromUInt64(0x0200_0000_00fe);
    private static readonly byte[] Server = Dhcpv6Options.DuidOf(
        MacBytes.FromUInt64(0x0200_0000_0001));

    private static IpPrefix Prefix(string text) =>
        IpPrefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text);

    /// <summary>A server's answer to 'question', with T1 of 10 s, T2 of 16 s.</summary>
    private static byte[] Answer(
        byte[] question, PrefixMessageType type, string? prefix, uint valid = 20)
    {
        var body = new List<byte> { (byte)type, question[1], question[2], question[3] };
        Dhcpv6Options.Add(body, 1, Dhcpv6Options.DuidOf(Client));
        Dhcpv6Options.Add(body, 2, Server);
        var identity = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(identity, Association);
        (identity[7], identity[11]) = (10, 16);
        var inner = new List<byte>(identity);
        if (prefix is not null)
        {
            var value = new byte[25];
            BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(4), valid);
            value[8] = (byte)Prefix(prefix).Length;
            Prefix(prefix).ToAddress().GetAddressBytes().CopyTo(value, 9);
            Dhcpv6Options.Add(inner, 26, value);
        }
        else
        {
            Dhcpv6Options.Add(inner, 13, [0, 6]);
        }

        Dhcpv6Options.Add(body, 25, [.. inner]);
        return [.. body];
    }

    private static PrefixSession Bound()
    {
        var session = new PrefixSession(Client, Association, 1, 0);
        session.Hear(
            Answer(session.Advance(0)!, PrefixMessageType.Advertise, "fd00:77:1::/64"), 0);
        var request = session.Advance(0)!;
        Assert.Equal((byte)PrefixMessageType.Request, request[0]);
        session.Hear(Answer(request, PrefixMessageType.Reply, "fd00:77:1::/64"), 0);
        return session;
    }

    [Fact]
    public void It_solicits_requests_and_is_bound() =>
        Assert.Equal(Prefix("fd00:77:1::/64"), Bound().Prefix);

    [Fact]
    public void It_renews_with_the_server_and_then_rebinds_with_any()
    {
        var session = Bound();
        Assert.Null(session.Advance(9_999));
        var renew = session.Advance(10_000)!;
        Assert.Equal((byte)PrefixMessageType.Renew, renew[0]);
        var again = session.Advance(11_000)!;
        Assert.Equal(renew, again);
        Assert.Equal((byte)PrefixMessageType.Rebind, session.Advance(16_000)![0]);
        Assert.NotNull(session.Prefix);
    }

    [Fact]
    public void A_renewal_makes_it_last_and_may_change_it()
    {
        var session = Bound();
        session.Hear(
            Answer(session.Advance(10_000)!, PrefixMessageType.Reply, "fd00:77:2::/64"), 10_000);
        Assert.Equal(Prefix("fd00:77:2::/64"), session.Prefix);
        Assert.Null(session.Advance(19_999));
    }

    [Fact]
    public void Without_an_answer_it_ends_and_it_asks_anew()
    {
        var session = Bound();
        var last = Array.Empty<byte>();
        for (var now = 10_000L; now <= 20_000; now = session.Deadline)
            last = session.Advance(now)!;
        Assert.Null(session.Prefix);
        Assert.Equal((byte)PrefixMessageType.Solicit, last[0]);
    }

    [Fact]
    public void A_server_that_takes_it_back_is_believed()
    {
        var session = Bound();
        session.Hear(Answer(session.Advance(10_000)!, PrefixMessageType.Reply, null), 10_000);
        Assert.Null(session.Prefix);
    }

    [Fact]
    public void Answers_to_other_questions_and_cut_ones_are_ignored()
    {
        var session = new PrefixSession(Client, Association, 1, 0);
        var advert = Answer(
            session.Advance(0)!, PrefixMessageType.Advertise, "fd00:77:1::/64");
        var other = (byte[])advert.Clone();
        other[3] ^= 1;
        session.Hear(other, 0);
        for (var length = 0; length < advert.Length; length++) session.Hear(advert[..length], 0);
        Assert.Equal((byte)PrefixMessageType.Solicit, session.Advance(1_000)![0]);
    }
}
