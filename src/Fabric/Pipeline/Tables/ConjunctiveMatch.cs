namespace Fabric.Pipeline;

/// <summary>Finds the conjunction all of whose clauses the rules matched so far satisfy.</summary>
/// <remarks>
/// ovs-fields(7), "conjunctive match fields": n/k clauses with one id make a match of the product
/// of their alternatives without as many rules.
/// </remarks>
internal static class ConjunctiveMatch
{
    /// <param name="Id">The conjunction that is complete, or null.</param>
    /// <param name="Priority">The priority that was looked at; null when nothing is left.</param>
    public readonly record struct Answer(uint? Id, int? Priority);

    /// <summary>
    /// Looks at the soft matches of the highest priority that is not below 'floor'.
    /// </summary>
    public static Answer Find(List<ClassifierRule> soft, int floor)
    {
        var priority = int.MinValue;
        foreach (var rule in soft) priority = Math.Max(priority, rule.Priority);
        if (soft.Count == 0 || priority < floor) return default;
        uint? id = null;
        var seen = new Dictionary<uint, ulong>();
        foreach (var rule in soft)
        {
            if (rule.Priority != priority) continue;
            foreach (var clause in rule.Conjunctions)
            {
                var clauses = seen.GetValueOrDefault(clause.Id) | (1UL << clause.Clause);
                seen[clause.Id] = clauses;
                var all = clause.Count >= 64 ? ulong.MaxValue : (1UL << clause.Count) - 1;
                if ((clauses & all) == all && (id is null || clause.Id < id)) id = clause.Id;
            }
        }

        return new Answer(id, priority);
    }
}
