using Akka.Configuration;
using Fabric.Host;
using Fabric.Logical;

namespace Fabric.Fuzz.Host;

/// <summary>What operators write by hand: any mistake is told in the reader's own words.</summary>
/// <remarks>Good texts are bent a little, so that most of them get deep into the readers.</remarks>
public sealed class OperatorInputFuzzTests
{
    private static readonly int Rounds =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 200_000 : 5_000;

    private const string Configuration = """
        fabric {
          host { id = "host1", name = ${?HOSTNAME} }  # one
          datapath.system = userspace
          chassis { encap-ip = "192.0.2.1", encap-type = geneve, bridge-mappings = "p:br0" }
          cluster {
            address = "127.0.0.1", port = 2552, form = on
            seeds = ["192.0.2.2:2552", "192.0.2.3"]
            tls { ca = "", certificate = "", key = "" }
          }
          metrics { port = 0 }
        }
        """;

    private static readonly string[] Expressions =
    [
        "outport == @app && ip4.src == $web_ip4 && tcp.dst == 8080",
        "inport == {\"a\", \"b\"} || !(ip4.dst == 10.0.0.0/8 && 1 <= udp.dst < 1024)",
        "ct.est && !ct.rpl && ct_mark.blocked == 0", "eth.src[40] && vlan.present", "1",
        "ip6.dst == {fd00::1, ff02::/16} && icmp6.type != 135", "reg0[0..7] == 0x3f",
    ];

    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ":", "=", ",", "\"", "'", "\n", " ", "#", "$", "${", "&&", "||", "!",
        "(", ")", "-", "- ", "99999999999999999999", "0x", "1e9", "true", "null", "*x", "&x", "|",
        "ip4", "..", "/", "\0", "\u00e9", "\ud83d", "<=", "@", "include \"x\"", "+=", "\"\"\"",
    ];

    private static string Bend(string text, Random random)
    {
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(text.Length + 1);
            var end = Math.Min(text.Length, at + random.Next(0, 6));
            text = text[..at] + (random.Next(3) == 0 ? "" : Pieces[random.Next(Pieces.Length)])
                + text[end..];
        }

        return text;
    }

    /// <summary>Each text is read, or refused with one of the reader's errors.</summary>
    private static void AssertReadOrRefused<TError>(
        Func<Random, string> make, Action<string> read, Func<Exception, bool>? isOther = null)
        where TError : Exception
    {
        var random = new Random(7);
        var wellRead = 0;
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var text = make(random);
            try
            {
                read(text);
                wellRead++;
            }
            catch (Exception error) when (error is TError || isOther?.Invoke(error) == true)
            {
                Assert.NotEqual("", error.Message);
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{error.GetType()}: {error.Message}\n{text}\n{error.StackTrace}");
            }
        }

        Assert.True(wellRead > 0 && refused > 0, $"{wellRead} read, {refused} refused");
    }

    [Fact]
    public void Bent_host_configurations_are_read_or_refused()
    {
        var state = Directory.CreateTempSubdirectory("fabric-bent-").FullName;
        AssertReadOrRefused<HostSettingsException>(
            random => Bend(Configuration, random),
            text => HostSettings.Read(
                ConfigurationFactory.ParseString(text),
                name => name == "FABRIC_STATEDIR" ? state : null),
            error => error is ConfigurationException);
        Directory.Delete(state, recursive: true);
    }

    [Fact]
    public void Bent_expressions_are_read_or_refused() =>
        AssertReadOrRefused<ExpressionException>(
            random => Bend(Expressions[random.Next(Expressions.Length)], random),
            text => ExpressionParser.Parse(text));
}
