namespace Fabric.Pipeline;

/// <summary>Where in a table a rule belongs: found once, used to look and then to insert.</summary>
internal readonly struct RulePlace
{
    public RulePlace(Subtable subtable, ulong[] values)
    {
        (Subtable, Values) = (subtable, values);
        ulong hash = 0;
        foreach (var value in values) hash = KeyStages.Mix(hash, value);
        Hash = hash;
    }

    public Subtable Subtable { get; }

    /// <summary>What the rule compares, in the order of the subtable's words.</summary>
    public ulong[] Values { get; }

    public ulong Hash { get; }

    /// <summary>The rule that is there already.</summary>
    public ClassifierRule? FindStrict(int priority, long version) =>
        Subtable.FindStrict(Values, Hash, priority, version);
}
