using System.Buffers.Binary;
using System.Diagnostics;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// What controllers hear of roles, asynchronous configuration and one another's requests: byte by
/// byte what ovs-vswitchd tells them.
/// </summary>
public sealed class SessionDifferentialTests : TwinSwitches
{
    private const int PropertyCount = 14;
    private const uint Group = 77;
    private const uint Meter = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Two connections to a switch.</summary>
    private sealed record Pair(RawConnection A, RawConnection B) : IDisposable
    {
        public void Dispose()
        {
            A.Dispose();
            B.Dispose();
        }
    }

    [Theory]
    [InlineData(OfVersion.OpenFlow13)]
    [InlineData(OfVersion.OpenFlow14)]
    [InlineData(OfVersion.OpenFlow15)]
    public void Each_reason_of_each_event_can_be_asked_for_or_not(OfVersion version)
    {
        using var theirs = Theirs(version);
        using var ours = Ours(version);
        var get = Message(version, new OfGetAsyncRequest());
        Assert.Equal(Hex(theirs.AnswersTo(get)), Hex(ours.AnswersTo(get)));
        foreach (var body in Settings(version))
        {
            var set = Header(version, 28, body);
            Assert.Equal(
                $"{Convert.ToHexString(set)} -> {Hex(theirs.AnswersTo(set))}",
                $"{Convert.ToHexString(set)} -> {Hex(ours.AnswersTo(set))}");
            Assert.Equal(Hex(theirs.AnswersTo(get)), Hex(ours.AnswersTo(get)));
        }
    }

    /// <summary>Every bit of every mask, then bodies that are wrong in other ways.</summary>
    private static IEnumerable<byte[]> Settings(OfVersion version)
    {
        int[] bits = [0, 1, 2, 3, 4, 5, 6, 7, 31];
        foreach (var bit in bits)
        {
            for (var place = 0; place < (version < OfVersion.OpenFlow14 ? 6 : 0); place++)
            {
                var words = new byte[24];
                BinaryPrimitives.WriteUInt32BigEndian(words.AsSpan(place * 4), 1u << bit);
                yield return words;
            }

            for (ushort type = 0; type < (version < OfVersion.OpenFlow14 ? 0 : PropertyCount);
                type++)
            {
                yield return Property(type, 1u << bit);
            }
        }

        if (version < OfVersion.OpenFlow14) yield break;
        yield return [.. Property(0, 1), .. Property(0, 2)];
        yield return [.. Property(2, 7), .. Property(3, 7), .. Property(10, 3)];
        yield return Property(0xFFFE, 1);
        yield return [0, 0, 0, 4];
        yield return [];
    }

    [Theory]
    [InlineData(OfVersion.OpenFlow13)]
    [InlineData(OfVersion.OpenFlow14)]
    [InlineData(OfVersion.OpenFlow15)]
    public void What_comes_behind_a_role_request_is_judged_by_the_new_role(OfVersion version)
    {
        using var theirs = new Pair(Theirs(version), Theirs(version));
        using var ours = new Pair(Ours(version), Ours(version));
        var flow = Message(
            version, FlowMod.Add(1, 5, Match.Any, [new OfOutput(2)]), xid: 9);
        Both(pair => pair.A, Message(version, new OfSetConfig(OfConfigFlags.None, 128)));
        Both(pair => pair.B, Message(version, new OfSetConfig(OfConfigFlags.None, 128)));
        Both(pair => pair.A, Role(OfRole.NoChange, 0));
        Both(pair => pair.A, [.. Role(OfRole.Secondary, 10), .. flow]);
        Both(pair => pair.A, [.. Role(OfRole.Primary, 10), .. flow]);
        Both(pair => pair.B, [.. Role(OfRole.Primary, 11), .. flow]);
        Hears(pair => pair.A);
        Both(pair => pair.A, [.. flow, .. Role(OfRole.Primary, 5), .. flow]);
        Both(pair => pair.A, [.. Role(OfRole.Equal, 0), .. flow, .. Role(OfRole.Primary, 12)]);
        Hears(pair => pair.B);
        Both(pair => pair.B, Role((OfRole)7, 12));

        byte[] Role(OfRole role, ulong generation) =>
            Message(version, new OfRoleRequest(role, generation));

        void Both(Func<Pair, RawConnection> of, byte[] bytes) => Assert.Equal(
            $"{Convert.ToHexString(bytes)} -> {Hex(of(theirs).AnswersTo(bytes))}",
            $"{Convert.ToHexString(bytes)} -> {Hex(of(ours).AnswersTo(bytes))}");

        void Hears(Func<Pair, RawConnection> of) =>
            AssertHears(of(theirs), of(ours));
    }

    [Theory]
    [InlineData(OfVersion.OpenFlow14)]
    [InlineData(OfVersion.OpenFlow15)]
    public void Groups_and_meters_of_others_are_told_to_those_who_ask(OfVersion version)
    {
        using var theirs = new Pair(Theirs(version), Theirs(version));
        using var ours = new Pair(Ours(version), Ours(version));
        byte[] wants =
        [
            .. Message(version, new OfSetConfig(OfConfigFlags.None, 128)),
            .. Header(version, 28, [.. Property(10, 3), .. Property(11, 3)]),
        ];
        Assert.Equal(Hex(theirs.A.AnswersTo(wants)), Hex(ours.A.AnswersTo(wants)));
        OfMessage[] changes =
        [
            new GroupMod(GroupModCommand.Add, OfGroupType.All, Group, []),
            new GroupMod(GroupModCommand.Add, OfGroupType.All, Group, []), // Refused: not told.
            new GroupMod(GroupModCommand.Delete, OfGroupType.All, Group, []),
            new MeterMod(
                MeterModCommand.Add, Meter, MeterFlags.KilobitsPerSecond,
                [new MeterBand(MeterBandType.Drop, 1000, 0, 0)]),
            new MeterMod(MeterModCommand.Delete, Meter, MeterFlags.None, []),
        ];
        uint xid = 500;
        foreach (var change in changes)
        {
            var bytes = Message(version, change, ++xid);
            Assert.Equal(Hex(theirs.B.AnswersTo(bytes)), Hex(ours.B.AnswersTo(bytes)));
            AssertHears(theirs.A, ours.A);
        }
    }

    /// <summary>Ours may come a little later.</summary>
    private static void AssertHears(RawConnection theirs, RawConnection ours)
    {
        var expected = theirs.AnswersTo([]);
        var actual = ours.AnswersTo([]);
        var clock = Stopwatch.StartNew();
        while (actual.Count < expected.Count && clock.Elapsed < Patience)
        {
            actual.AddRange(ours.AnswersTo([]));
        }

        Assert.Equal(Hex(expected), Hex(actual));
    }

    private static string Hex(IEnumerable<byte[]> frames) =>
        string.Join(' ', frames.Select(frame => Convert.ToHexString(frame)));

    private static byte[] Property(ushort type, uint mask)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, type);
        bytes[3] = 8;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), mask);
        return bytes;
    }

    private static byte[] Header(OfVersion version, byte type, byte[] body) =>
        [(byte)version, type, 0, (byte)(8 + body.Length), 0, 0, 0, 3, .. body];

    private static byte[] Message(OfVersion version, OfMessage message, uint xid = 4) =>
        OfEncoder.ToArray(message, xid, new OfCodecContext(version));
}
