#nullable disable
using Akka.Configuration;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class HoconTests
{
    private static Config Parse(string hocon) => ConfigurationFactory.ParseString(hocon);

    [Theory]
    [InlineData("a = 1", "a", "1")]
    [InlineData("a : 1", "a", "1")]
    [InlineData("a.b.c = x", "a.b.c", "x")]
    [InlineData("a { b { c = x } }", "a.b.c", "x")]
    [InlineData("a { b.c = x }", "a.b.c", "x")]
    [InlineData("{ a: x }", "a", "x")]
    [InlineData("a = x # comment", "a", "x")]
    [InlineData("// comment\na = x // more", "a", "x")]
    [InlineData("a = some words here", "a", "some words here")]
    [InlineData("a = \"q u\\n\\\"o\\u0041\"", "a", "q u\n\"oA")]
    [InlineData("a = \"\"\"raw \"\\n\" text\"\"\"", "a", "raw \"\\n\" text")]
    [InlineData("\"a.b\" = x", "\"a.b\"", "x")]
    [InlineData("a.\"/user/b\".c = x", "a.\"/user/b\".c", "x")]
    [InlineData("a = 1\na = 2", "a", "2")]
    [InlineData("a { b = 1 }\na { c = 2 }", "a.b", "1")]
    [InlineData("a { b = 1 }, a { c = 2 }", "a.c", "2")]
    [InlineData("a { b = 1 }\na = 3\na { c = 2 }", "a.b", null)]
    [InlineData("a = null", "a", null)]
    [InlineData("b = 7\na = ${b}", "a", "7")]
    [InlineData("a = ${b}\nb = 7", "a", "7")]
    [InlineData("a = ${?b}", "a", null)]
    [InlineData("a = 1\na = ${?b}", "a", "1")]
    [InlineData("b = 7\na = x${b}y", "a", "x7y")]
    [InlineData("b = 7\na = x ${b} y", "a", "x 7 y")]
    [InlineData("a = 1\na = ${a}2", "a", "12")]
    [InlineData("b { c = 1, d = 2 }\na = ${b} { d = 3 }", "a.d", "3")]
    [InlineData("b { c = 1, d = 2 }\na = ${b} { d = 3 }", "a.c", "1")]
    [InlineData("b { c = 1 }\na = ${b}\na.c = 2", "a.c", "2")]
    [InlineData("a { b = 1, c = ${a.b} }", "a.c", "1")]
    [InlineData("b { c = 1 }\na = ${b}\nd = ${a.c}", "d", "1")]
    [InlineData("\uFEFFa = 1", "a", "1")]
    [InlineData("", "a", null)]
    public void A_text_means_a_value(string hocon, string path, string expected)
    {
        Assert.Equal(expected, Parse(hocon).GetString(path));
        Assert.Equal(expected is not null, Parse(hocon).HasPath(path));
    }

    [Theory]
    [InlineData("a = [1, 2, 3]", "1 2 3")]
    [InlineData("a = [1\n2\n3]", "1 2 3")]
    [InlineData("a = [1, 2,]", "1 2")]
    [InlineData("a = []", "")]
    [InlineData("a = [1] [2]", "1 2")]
    [InlineData("a = [1]\na += 2", "1 2")]
    [InlineData("a += 1\na += 2\na += 3", "1 2 3")]
    [InlineData("b = [1]\na = ${b} [2]", "1 2")]
    [InlineData("a = [1]\na = ${a} [2]", "1 2")]
    [InlineData("a = [\"x, y\", z w]", "x, y z w")]
    public void A_text_means_a_list(string hocon, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Parse(hocon).GetStringList("a")));
    }

    [Theory]
    [InlineData("a = {", 1, 5)]
    [InlineData("a = [1", 1, 5)]
    [InlineData("a = 1\n}", 2, 1)]
    [InlineData("a = \"text", 1, 5)]
    [InlineData("a\nb = 1", 1, 2)]
    [InlineData("a = ", 1, 5)]
    [InlineData("\n\n  a = ${b}", 3, 7)]
    [InlineData("a = ${b", 1, 5)]
    [InlineData("a = $b", 1, 5)]
    [InlineData("a = x:y", 1, 6)]
    [InlineData("a = {b = 1} 2", 1, 13)]
    [InlineData("a = [1] 2", 1, 9)]
    [InlineData("a = \"\\q\"", 1, 6)]
    [InlineData("a.. = 1", 1, 3)]
    [InlineData("= 1", 1, 1)]
    [InlineData("[1, 2]", 1, 1)]
    [InlineData("a = ${b}\nb = ${a}", 2, 5)]
    [InlineData("{ a = 1 } x", 1, 11)]
    [InlineData("include required(\"no such file\")", 1, 1)]
    public void An_error_names_line_and_column(string hocon, int line, int column)
    {
        var error = Assert.Throws<ConfigurationException>(() => Parse(hocon));
        Assert.Contains($"line {line}, column {column}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_included_where_they_stand()
    {
        var files = new Dictionary<string, string>
        {
            ["one.conf"] = "b = 1\ninclude \"two.conf\"",
            ["two.conf"] = "c = ${b}",
            ["broken.conf"] = "x = 1\ny = }",
        };
        Config Read(string text) => ConfigurationFactory.Parse(text, files.GetValueOrDefault);

        var config =
            Read("a { include file(\"one.conf\") }\ninclude \"one.conf\"\nb = 2\ninclude \"none\"");
        Assert.Equal("1", config.GetString("a.b"));
        Assert.Equal("2", config.GetString("c"));
        var error = Assert.Throws<ConfigurationException>(() => Read("include \"broken.conf\""));
        Assert.Contains(
            "line 2, column 5 of [broken.conf]", error.Message, StringComparison.Ordinal);
        files["loop.conf"] = "include \"loop.conf\"";
        Assert.Throws<ConfigurationException>(() => Read("include \"loop.conf\""));
    }

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("500ms", 500)]
    [InlineData("500", 500)]
    [InlineData("1 m", 60_000)]
    [InlineData("1.5 minutes", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("2000 us", 2)]
    [InlineData("infinite", -1)]
    public void Durations_have_units(string text, int milliseconds)
    {
        Assert.Equal(
            TimeSpan.FromMilliseconds(milliseconds), Parse($"a = {text}").GetTimeSpan("a"));
    }

    [Theory]
    [InlineData("128k", 131_072)]
    [InlineData("128000b", 128_000)]
    [InlineData("1MiB", 1_048_576)]
    [InlineData("1 MB", 1_000_000)]
    [InlineData("1 kB", 1_000)]
    [InlineData("0.5 g", 536_870_912)]
    [InlineData("42", 42)]
    public void Sizes_have_units(string text, long bytes)
    {
        Assert.Equal(bytes, Parse($"a = {text}").GetByteSize("a"));
    }

    [Theory]
    [InlineData("ten seconds")]
    [InlineData("-1s")]
    [InlineData("5 fortnights")]
    [InlineData("99999999999 d")]
    public void Wrong_values_name_their_path(string text)
    {
        var config = Parse($"a.b = \"{text}\"");
        Assert.Contains("[a.b]", Assert.Throws<ConfigurationException>(
            () => config.GetTimeSpan("a.b")).Message, StringComparison.Ordinal);
        Assert.Throws<ConfigurationException>(() => config.GetByteSize("a.b"));
        Assert.Throws<ConfigurationException>(() => config.GetInt("a.b"));
        Assert.Throws<ConfigurationException>(() => config.GetBoolean("a.b"));
        Assert.Throws<ConfigurationException>(() => config.GetDouble("a.b"));
        Assert.Throws<ConfigurationException>(() => config.GetString("a"));
        Assert.Throws<ConfigurationException>(() => config.GetConfig("a.b"));
    }

    [Fact]
    public void Missing_values_are_defaults()
    {
        var config = Parse("a = 1");
        Assert.Equal(5, config.GetInt("x", 5));
        Assert.Equal(0L, config.GetLong("x"));
        Assert.Equal(2.5, config.GetDouble("x", 2.5));
        Assert.True(config.GetBoolean("x", true));
        Assert.Equal("d", config.GetString("x", "d"));
        Assert.Null(config.GetConfig("x"));
        Assert.Null(config.GetByteSize("x"));
        Assert.Empty(config.GetStringList("x"));
        Assert.Equal(TimeSpan.FromSeconds(1), config.GetTimeSpan("x", TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("on", true)]
    [InlineData("yes", true)]
    [InlineData("true", true)]
    [InlineData("off", false)]
    [InlineData("no", false)]
    [InlineData("False", false)]
    public void Booleans_have_words(string text, bool expected)
    {
        Assert.Equal(expected, Parse($"a = {text}").GetBoolean("a", !expected));
    }

    [Fact]
    public void A_fallback_is_laid_below()
    {
        var config = Parse("a { b = 1, l = [1] }\nn = null")
            .WithFallback(Parse("a { b = 2, c = 3, l = [2] }\nn = 4\nd = 5"));
        Assert.Equal(1, config.GetInt("a.b"));
        Assert.Equal(3, config.GetInt("a.c"));
        Assert.Equal([1], config.GetIntList("a.l"));
        Assert.Equal(5, config.GetInt("d"));
        Assert.False(config.HasPath("n"));
        Config implied = "x = 1";
        Assert.Equal(1, (implied + "y = 2").GetInt("x"));
        Assert.True(Config.Empty.IsEmpty);
    }

    [Fact]
    public void What_is_printed_reads_the_same()
    {
        var config = Parse("a { \"b.c\" = \"x\\n\\\"\", l = [1, { d = 2 }], e {} }\nn = null");
        Assert.Equal(config.ToString(), Parse(config.ToString()).ToString());
        Assert.Equal("x\n\"", Parse(config.ToString()).GetString("a.\"b.c\""));
    }

    [Fact]
    public void Objects_become_configurations()
    {
        var config = ConfigurationFactory.FromObject(new
        {
            akka = new { loglevel = "DEBUG", loggers = new[] { "one" }, depth = 3 },
            pause = TimeSpan.FromSeconds(2),
        });
        Assert.Equal("DEBUG", config.GetString("akka.loglevel"));
        Assert.Equal(["one"], config.GetStringList("akka.loggers"));
        Assert.Equal(3, config.GetInt("akka.depth"));
        Assert.Equal(TimeSpan.FromSeconds(2), config.GetTimeSpan("pause"));
    }

    [Fact]
    public void Depth_and_expansion_are_bounded()
    {
        Assert.Throws<ConfigurationException>(() => Parse("a = " + new string('[', 500)));
        Assert.Throws<ConfigurationException>(() =>
            Parse(string.Concat(Enumerable.Repeat("a {", 500))));
        var bomb =
            string.Concat(Enumerable.Range(0, 40).Select(i => $"x{i + 1} = ${{x{i}}}${{x{i}}}\n"));
        Assert.Throws<ConfigurationException>(() => Parse("x0 = y\n" + bomb));
    }

    [Fact]
    public void Random_text_is_parsed_or_refused()
    {
        var random = new Random(7);
        const string Alphabet = "ab.=:{}[],\"\\$?+#/ \n\t1";
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(24))
                .Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                Assert.NotNull(Parse(text).ToString());
            }
            catch (ConfigurationException refused)
            {
                Assert.Contains("line", refused.Message, StringComparison.Ordinal);
            }
        }
    }
}
