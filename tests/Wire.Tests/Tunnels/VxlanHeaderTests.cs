namespace Fabric.Wire.Tests;

public sealed class VxlanHeaderTests
{
    [Theory]
    [InlineData("vni=0x000001 policy=0/0x00", "08000000 000001 00")]
    [InlineData("vni=0x804001 policy=513/0x48", "88480201 804001 00")]
    public void Vxlan_bytes_and_text_agree(string text, string hex)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", ""));
        Assert.True(VxlanHeader.TryParse(bytes, out var header, out _, out _));
        Assert.Equal(
            text, $"vni=0x{header.Vni:x6} policy={header.PolicyId}/0x{header.PolicyFlags:x2}");

        Span<byte> written = stackalloc byte[VxlanHeader.Size];
        VxlanHeader.Write(written, header.Vni);
        if (header.HasGroupPolicy)
        {
            VxlanHeader.WritePolicy(written, header.PolicyId, header.PolicyFlags);
        }

        Assert.Equal(bytes, written.ToArray());
    }

    [Fact]
    public void Vxlan_refuses_every_truncation_and_a_missing_vni_flag()
    {
        var bytes = Convert.FromHexString("0800000000000100");
        for (var size = 0; size < bytes.Length; size++)
        {
            Assert.False(VxlanHeader.TryParse(bytes.AsSpan(0, size), out _, out _, out var cut));
            Assert.Equal(DropReason.VxlanTruncated, cut);
        }

        bytes[0] = 0;
        Assert.False(VxlanHeader.TryParse(bytes, out _, out _, out var reason));
        Assert.Equal(DropReason.VxlanFlags, reason);
    }
}
