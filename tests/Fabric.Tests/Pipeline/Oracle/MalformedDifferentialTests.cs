using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>Malformed messages get the type and code of error that ovs-vswitchd gives.</summary>
/// <remarks>
/// Every byte pair of every kind of message is set to wrong values, and messages are cut and made
/// longer; both switches get the same bytes, and their connections live on.
/// </remarks>
public sealed class MalformedDifferentialTests : TwinSwitches
{
    private const int ReportedMax = 60;

    /// <summary>One of so many may be answered with another code.</summary>
    private const int OtherCodeShare = 50;

    [Theory]
    [InlineData(OfVersion.OpenFlow10)]
    [InlineData(OfVersion.OpenFlow13)]
    [InlineData(OfVersion.OpenFlow15)]
    public void Errors_are_those_of_ovs_vswitchd(OfVersion version)
    {
        using var theirs = Theirs(version);
        using var ours = Ours(version);
        var different = new List<string>();
        var (count, refused, otherCode) = (0, 0, 0);
        foreach (var (what, frame) in MessageMutations.Of(version))
        {
            // Of its own, so that no part of one request is taken for a part of another.
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), ++count);
            var expected = theirs.ErrorsOf(frame);
            var actual = ours.ErrorsOf(frame);
            if (expected.Length > 0) refused++;
            if (expected == actual || IsUnknownBundleControl(what, expected, actual)) continue;
            if (expected.Length > 0 && actual.Length > 0) otherCode++;
            different.Add($"{what}: theirs '{expected}', ours '{actual}', "
                + Convert.ToHexStringLower(frame));
        }

        // With two faults in one message it is open which is told.
        var report = $"{different.Count} of {count}, {otherCode} with another code:\n"
            + string.Join('\n', different.Take(ReportedMax));
        Assert.True(different.Count == otherCode, report);
        Assert.True(otherCode <= count / OtherCodeShare, report);
        Assert.True(refused > count / 10, $"{refused} of {count} were refused");
    }

    /// <summary>Open vSwitch answers controls that nobody knows; we refuse them.</summary>
    private static bool IsUnknownBundleControl(string what, string theirs, string ours) =>
        what.Contains(nameof(OfBundleControl), StringComparison.Ordinal)
        && theirs.Length == 0 && ours.Length > 0;
}
