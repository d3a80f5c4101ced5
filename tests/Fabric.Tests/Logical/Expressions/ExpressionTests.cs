using Fabric.Logical;

namespace Fabric.Tests.Logical;

public sealed class ExpressionTests
{
    [Theory]
    [InlineData("tcp && udp || icmp4", "parenthesized", 11)]
    [InlineData("ip4.src == 10.0.0.1.2", "no number or address", 11)]
    [InlineData("ip4.src == 10.0.0.1/8", "outside its mask", 20)]
    [InlineData("tcp.dst == 65536", "needs 17 bits", 11)]
    [InlineData("tcp.dst = 80", "not part of the expression language", 8)]
    [InlineData("nosuch == 1", "no field nosuch", 0)]
    [InlineData("(tcp", "expected ')'", 4)]
    [InlineData("ip.proto < 6", "only == and != make sense", 0)]
    [InlineData("!ip4", "positively", 1)]
    [InlineData("ip.proto != 6", "equality", 0)]
    [InlineData("inport == 5", "port name", 10)]
    [InlineData("tcp.dst", "compare it with a constant", 0)]
    [InlineData("ip4 == 1", "cannot be compared", 0)]
    [InlineData("eth.dst[48]", "bits 0 to 47", 8)]
    [InlineData("inport == \"a", "closing quote", 10)]
    [InlineData("1 < tcp.dst > 5", "a range has", 12)]
    [InlineData("", "expected", 0)]
    public void What_means_nothing_is_refused_with_the_place(string text, string why, int position)
    {
        var error = Assert.Throws<ExpressionException>(() => ExpressionParser.Parse(text));
        Assert.Contains(why, error.Message);
        Assert.Equal(position, error.Position);
    }

    [Theory]
    [InlineData("ip4.src == 10.0.0.0/8 && tcp.dst == {80, 443}")]
    [InlineData("inport == @web && outport == {\"a\", \"b\"}")]
    [InlineData("ip4 && ip4.src == $set_a")]
    [InlineData("1024 <= udp.dst < 2048")]
    [InlineData("!(tcp.dst == 80) && !ct.new")]
    [InlineData("ct.est && !ct.rel && ct_mark.blocked == 0")]
    [InlineData("ip6.dst == {fe80::/10, ff02::1}")]
    [InlineData("eth.src == 00:00:00:00:00:01 && vlan.present")]
    [InlineData("eth.dst[40] && arp.op == 1")]
    [InlineData("is_chassis_resident(\"cr-gw\") || 0")]
    [InlineData("tcp /* web */ && tcp.dst == 80 // done")]
    public void What_OVN_accepts_is_accepted(string text) => ExpressionParser.Parse(text);

    [Fact]
    public void Nesting_is_bounded()
    {
        var text = new string('(', 5000) + "tcp" + new string(')', 5000);
        Assert.Throws<ExpressionException>(() => ExpressionParser.Parse(text));
        Assert.Throws<ExpressionException>(
            () => ExpressionParser.Parse(new string('!', 5000) + "tcp"));
    }

    [Fact]
    public void The_names_that_an_expression_uses_are_known()
    {
        var match = ExpressionParser.Parse(
            "inport == @pg && ip4.src == {$one, $two} && outport == \"p\"");
        Assert.Equal(["one", "two"], match.AddressSets().Order());
        Assert.Equal(["pg"], match.PortGroups());
        Assert.Equal(["p"], match.Ports());
    }

    [Fact]
    public void A_reference_to_nothing_is_refused_by_name()
    {
        var match = ExpressionParser.Parse("ip4.src == $nobody");
        var error = Assert.Throws<ExpressionException>(
            () => ExpressionNormalizer.Normalize(match, new ExpressionLab()));
        Assert.Contains("$nobody", error.Message);
    }

    [Theory]
    [InlineData("0 <= tcp.dst <= 65535", 1)]
    [InlineData("1 <= tcp.dst <= 65534", 30)]
    [InlineData("tcp.dst < 1024", 1)]
    [InlineData("tcp.dst > 65535", 0)]
    [InlineData("ip4.src != 10.0.0.1", 32)]
    [InlineData("tcp.dst == {80, 80, 443}", 2)]
    public void Ranges_and_inequalities_take_the_fewest_prefixes(string text, int count)
    {
        var products = ExpressionNormalizer.Normalize(
            ExpressionParser.Parse(text), new ExpressionLab());
        var field = text.Contains("ip4") ? "ip_src" : "tcp_dst";

        // TCP is over IPv4 or IPv6: one product for each.
        foreach (var product in products)
        {
            var values = product.Sets.TryGetValue(field, out var set) ? set.Length : 1;
            Assert.Equal(count, values);
        }

        Assert.Equal(count == 0, products.IsEmpty);
    }
}
