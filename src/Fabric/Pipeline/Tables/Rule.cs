using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Packets, bytes and last use; shared by the versions of one flow.</summary>
public sealed class RuleStatistics
{
    private long _packets;
    private long _bytes;
    private long _usedMilliseconds;

    public ulong Packets => (ulong)Interlocked.Read(ref _packets);
    public ulong Bytes => (ulong)Interlocked.Read(ref _bytes);

    /// <summary>Monotonic time of the last packet, or of creation.</summary>
    public long UsedMilliseconds => Interlocked.Read(ref _usedMilliseconds);

    public void Add(ulong packets, ulong bytes, long usedMilliseconds)
    {
        Interlocked.Add(ref _packets, (long)packets);
        Interlocked.Add(ref _bytes, (long)bytes);
        Touch(usedMilliseconds);
    }

    public void Touch(long usedMilliseconds)
    {
        var before = Interlocked.Read(ref _usedMilliseconds);
        while (before < usedMilliseconds)
        {
            var seen = Interlocked.CompareExchange(ref _usedMilliseconds, usedMilliseconds, before);
            if (seen == before) return;
            before = seen;
        }
    }

    public void Reset()
    {
        Interlocked.Exchange(ref _packets, 0);
        Interlocked.Exchange(ref _bytes, 0);
    }
}

/// <summary>
/// A flow of an OpenFlow table. Changing one makes another with the same statistics.
/// </summary>
public sealed class Rule : ClassifierRule
{
    public Rule(FlowMod source, byte tableId, long now, RuleStatistics? statistics = null)
    {
        TableId = tableId;
        Match = source.Match;
        Actions = source.Actions;
        Priority = source.Priority;
        Cookie = source.Cookie;
        IdleTimeout = source.IdleTimeout;
        HardTimeout = source.HardTimeout;
        Flags = source.Flags;
        Importance = source.Importance;
        CreatedMilliseconds = now;
        ModifiedMilliseconds = now;
        Statistics = statistics ?? new RuleStatistics();
        Statistics.Touch(now);
        Conjunctions = ConjunctionsOf(source.Actions);
        MayTimeOut = TimesOut();
    }

    private Rule(Rule before, ActionList actions, ulong cookie, FlowModFlags flags, long now)
    {
        TableId = before.TableId;
        Match = before.Match;
        Priority = before.Priority;
        Actions = actions;
        Cookie = cookie;
        Flags = flags;
        IdleTimeout = before.IdleTimeout;
        HardTimeout = before.HardTimeout;
        Importance = before.Importance;
        CreatedMilliseconds = before.CreatedMilliseconds;
        ModifiedMilliseconds = now;
        Statistics = before.Statistics;
        Conjunctions = ConjunctionsOf(actions);
        MayTimeOut = TimesOut();
    }

    public byte TableId { get; }
    public Match Match { get; }
    public ActionList Actions { get; }
    public ulong Cookie { get; }

    /// <summary>Seconds; 0 = never. Shortened in place by fin_timeout.</summary>
    public ushort IdleTimeout { get; internal set; }
    public ushort HardTimeout { get; internal set; }
    /// <summary>It has a timeout, or an action that may give it one.</summary>
    public bool MayTimeOut { get; }

    /// <summary>Somebody looks after it, or wants to know when it goes.</summary>
    internal bool IsParticular =>
        IsHidden || MayTimeOut || (Flags & FlowModFlags.SendFlowRemoved) != 0;

    public FlowModFlags Flags { get; }
    public ushort Importance { get; }
    public long CreatedMilliseconds { get; }
    public long ModifiedMilliseconds { get; internal set; }
    public RuleStatistics Statistics { get; }

    /// <summary>The switch's own: controllers neither see nor change it.</summary>
    public bool IsHidden { get; init; }

    /// <summary>The same flow with other actions: keeps timeouts, age and statistics.</summary>
    public Rule With(ActionList actions, ulong cookie, FlowModFlags flags, long now) =>
        new(this, actions, cookie, flags, now);

    /// <summary>Lowers timeouts; 0 leaves one as it is.</summary>
    internal void Shorten(ushort idle, ushort hard)
    {
        if (idle > 0 && (IdleTimeout == 0 || IdleTimeout > idle)) IdleTimeout = idle;
        if (hard > 0 && (HardTimeout == 0 || HardTimeout > hard)) HardTimeout = hard;
    }

    /// <summary>Does it output to this port (in its own action list)?</summary>
    public bool OutputsTo(uint port) => Any(Actions, action => action switch
    {
        OfOutput output => output.Port == port,
        OfOutputTruncate output => output.Port == port,
        OfEnqueue output => output.Port == port,
        OfController => port == OfPort.Controller,
        _ => false,
    });

    public bool UsesGroup(uint group) =>
        Any(Actions, action => action is OfGroup used && used.GroupId == group);

    public bool UsesMeter(uint meter) =>
        Any(Actions, action => action is OfMeter used && used.MeterId == meter);

    private bool TimesOut() => IdleTimeout > 0 || HardTimeout > 0
        || Any(Actions, static action => action is OfFinTimeout);

    private static bool Any(ActionList actions, Func<OfAction, bool> test)
    {
        foreach (var action in actions)
        {
            if (test(action)) return true;
            if (action is OfWriteActions write && Any(write.Actions, test)) return true;
            if (action is OfClone clone && Any(clone.Actions, test)) return true;
        }

        return false;
    }

    private static System.Collections.Immutable.ImmutableArray<ConjunctionClause> ConjunctionsOf(
        ActionList actions)
    {
        if (actions.IsEmpty || actions[0] is not (OfConjunction or OfNote)) return [];
        var clauses = new List<ConjunctionClause>();
        foreach (var action in actions)
        {
            if (action is OfConjunction clause)
            {
                clauses.Add(new(clause.Id, clause.Clause, clause.ClauseCount));
            }
        }

        return [.. clauses];
    }
}
