using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>A row of ACL with its match parsed.</summary>
/// <param name="Tier">0 to 3, evaluated in this order.</param>
/// <param name="Label">32 bits that the connection's label carries; 0: none.</param>
public sealed record Acl(
    Guid Uuid, string Name, int Priority, bool IsEgress, string Text, Expression Match,
    string Action, int Tier, bool IsLogged, string Severity, string? Meter, uint Label,
    bool IsAfterLoadBalancing, bool PersistsEstablished)
{
    public bool IsStateful => Action == "allow-related";
    public bool IsStateless => Action == "allow-stateless";
    public bool Allows => Action is "allow" or "allow-related" or "allow-stateless";

    /// <summary>
    /// Null when the match does not parse: the row is skipped, 'complain' heard why.
    /// </summary>
    public static Acl? Read(Row row, Action<string> complain)
    {
        var text = row.GetString("match");
        Expression match;
        try
        {
            match = ExpressionParser.Parse(text);
        }
        catch (ExpressionException e)
        {
            complain($"match: {e.Message} in \"{text}\"");
            return null;
        }

        var isEgress = row.GetString("direction") == "to-lport";
        return new Acl(
            row.Uuid, row.GetString("name"), (int)row.GetInteger("priority"), isEgress, text,
            match, row.GetString("action"),
            row.Schema.TryColumn("tier", out _) ? (int)row.GetInteger("tier") : 0,
            row.GetBoolean("log"), row.GetStringOrNull("severity") ?? "info",
            row.GetStringOrNull("meter"), (uint)row.GetInteger("label"),
            !isEgress && row.GetMapValue("options", "apply-after-lb") == "true",
            row.GetMapValue("options", "persist-established") == "true");
    }
}

/// <summary>A row of Port_Group.</summary>
public sealed record PortGroup(
    Guid Uuid, string Name, ImmutableArray<Guid> Ports, ImmutableArray<Guid> Acls)
{
    private HashSet<Guid>? _members;

    /// <summary>The same ports, quick to ask.</summary>
    internal IReadOnlySet<Guid> Members => _members ??= [.. Ports];

    public static PortGroup Read(Row row, Action<string> complain) => new(
        row.Uuid, row.GetString("name"), row.GetReferences("ports"), row.GetReferences("acls"));
}

/// <summary>A row of Address_Set.</summary>
public sealed record AddressSet(Guid Uuid, string Name, AddressSetMembers Members)
{
    public static AddressSet Read(Row row, Action<string> complain)
    {
        var texts = row.GetStringSet("addresses");
        foreach (var text in texts)
        {
            if (!AddressSetMembers.TryParseMember(text, out _, out _))
                complain($"addresses: \"{text}\" is no address");
        }

        return new AddressSet(row.Uuid, row.GetString("name"), AddressSetMembers.Parse(texts));
    }
}

/// <summary>A row of QoS.</summary>
/// <param name="RateKilobits">0: not limited.</param>
public sealed record QosRule(
    Guid Uuid, int Priority, bool IsEgress, string Text, Expression Match, int? Dscp, uint? Mark,
    uint RateKilobits, uint BurstKilobits)
{
    public static QosRule? Read(Row row, Action<string> complain)
    {
        var text = row.GetString("match");
        try
        {
            var action = ReadNumbers(row, "action");
            var bandwidth = ReadNumbers(row, "bandwidth");
            return new QosRule(
                row.Uuid, (int)row.GetInteger("priority"), row.GetString("direction") == "to-lport",
                text, ExpressionParser.Parse(text),
                action.TryGetValue("dscp", out var dscp) ? (int)dscp : null,
                action.TryGetValue("mark", out var mark) ? (uint)mark : null,
                (uint)bandwidth.GetValueOrDefault("rate"),
                (uint)bandwidth.GetValueOrDefault("burst"));
        }
        catch (ExpressionException e)
        {
            complain($"match: {e.Message} in \"{text}\"");
            return null;
        }
    }

    private static Dictionary<string, long> ReadNumbers(Row row, string column)
    {
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        var datum = row[column];
        for (var i = 0; i < datum.Keys.Length; i++)
            numbers[datum.Keys[i].String] = datum.Values[i].Integer;
        return numbers;
    }
}
