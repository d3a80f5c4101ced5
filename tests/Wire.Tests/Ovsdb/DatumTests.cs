using Fabric.Wire.Ovsdb;

namespace Fabric.Wire.Tests.Ovsdb;

public sealed class DatumTests
{
    [Fact]
    public void Sets_are_sorted_and_hold_each_element_once()
    {
        var datum = Datum.Integers([3, 1, 2, 3, 1]);

        Assert.Equal("[1, 2, 3]", datum.ToString());
        Assert.Equal(Datum.Integers([1, 2, 3]), datum);
    }

    [Fact]
    public void Text_is_quoted_only_if_it_could_be_misread()
    {
        Assert.Equal("br0", ((Datum)"br0").ToString());
        Assert.Equal("\"\"", ((Datum)"").ToString());
        Assert.Equal("\"true\"", ((Datum)"true").ToString());
        Assert.Equal("\"10.0.0.1\"", ((Datum)"10.0.0.1").ToString());
        Assert.Equal("\"a b\"", ((Datum)"a b").ToString());
    }

    [Fact]
    public void Union_of_maps_keeps_the_value_that_was_there()
    {
        var before = MapOf(("a", "1"), ("b", "2"));

        Assert.Equal(
            MapOf(("a", "1"), ("b", "2"), ("c", "3")),
            before.Union(MapOf(("b", "9"), ("c", "3"))));
    }

    [Fact]
    public void Subtracting_keys_removes_pairs_and_subtracting_pairs_only_equal_ones()
    {
        var before = MapOf(("a", "1"), ("b", "2"));

        Assert.Equal(MapOf(("b", "2")), before.Subtract(Datum.Strings(["a", "x"])));
        Assert.Equal(before, before.Subtract(MapOf(("a", "9"))));
        Assert.Equal(MapOf(("b", "2")), before.Subtract(MapOf(("a", "1"))));
    }

    [Fact]
    public void A_difference_of_maps_has_what_came_what_went_and_new_values()
    {
        var before = MapOf(("a", "1"), ("b", "2"), ("c", "3"));
        var after = MapOf(("a", "1"), ("b", "5"), ("d", "4"));

        var difference = before.DifferenceTo(after);

        Assert.Equal(MapOf(("b", "5"), ("c", "3"), ("d", "4")), difference);
        Assert.Equal(after, before.ApplyDifference(difference));
    }

    [Fact]
    public void Applying_a_difference_always_gives_what_it_was_taken_to()
    {
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var (before, after) = (RandomSet(random), RandomSet(random));
            Assert.Equal(after, before.ApplyDifference(before.DifferenceTo(after)));

            var (old, now) = (RandomMap(random), RandomMap(random));
            Assert.Equal(now, old.ApplyDifference(old.DifferenceTo(now)));
        }
    }

    [Theory]
    [InlineData("==", "[1, 2]", true)]
    [InlineData("!=", "[1, 2]", false)]
    [InlineData("includes", "[1]", true)]
    [InlineData("includes", "[1, 3]", false)]
    [InlineData("excludes", "[3]", true)]
    [InlineData("excludes", "[2, 3]", false)]
    [InlineData("includes", "[]", true)]
    public void Conditions_compare_sets(string word, string argument, bool isTrue)
    {
        ConditionRules.TryFunction(word, out var function);
        var numbers = argument.Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(isTrue, ConditionRules.Holds(
            function, Datum.Integers([1, 2]), Datum.Integers(numbers.Select(long.Parse))));
    }

    [Fact]
    public void Arithmetic_reports_overflow_and_division_by_zero()
    {
        var type = ColumnType.Scalar(BaseType.Integer);

        Assert.False(MutationRules.TryApply(
            long.MaxValue, Mutator.Add, 1L, type, out _, out var overflow));
        Assert.Equal("range error", overflow!.Tag);
        Assert.False(MutationRules.TryApply(
            1L, Mutator.Divide, 0L, type, out _, out var division));
        Assert.Equal("domain error", division!.Tag);
        Assert.False(MutationRules.TryApply(
            long.MinValue, Mutator.Divide, -1L, type, out _, out _));
    }

    [Fact]
    public void Types_are_described_as_OVS_describes_them()
    {
        Assert.Equal("set of up to 1 strings", ColumnType.Optional(BaseType.String).ToString());
        Assert.Equal("set of strings", ColumnType.Set(BaseType.String).ToString());
        Assert.Equal("set of 1 or more uuids", ColumnType.Set(BaseType.Uuid, 1).ToString());
        Assert.Equal(
            "map of (string, integer) pairs",
            ColumnType.Map(BaseType.String, BaseType.Integer).ToString());
    }

    private static Datum MapOf(params (string Key, string Value)[] pairs) =>
        Datum.Map(pairs.Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));

    private static Datum RandomSet(Random random) =>
        Datum.Integers(Enumerable.Range(0, random.Next(6)).Select(_ => (long)random.Next(8)));

    private static Datum RandomMap(Random random) => Datum.Map(
        Enumerable.Range(0, random.Next(6))
            .Select(_ => KeyValuePair.Create($"k{random.Next(6)}", (long)random.Next(3))));
}
