#nullable disable
using System.Text;

namespace Akka.Configuration;

/// <summary>Replaces substitutions and merges what was assigned more than once.</summary>
/// <remarks>
/// A substitution is looked up from the root, field by field, without resolving what lies beside
/// the path. A value that refers to its own field means what the field held before.
/// </remarks>
internal sealed class HoconResolver(HoconFields root)
{
    private const int StepsMax = 1_000_000;

    private readonly HashSet<HoconNode> _resolving = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<HoconNode, List<HoconNode>> _before =
        new(ReferenceEqualityComparer.Instance);
    private int _steps;

    public ConfigObject Resolve() => (ConfigObject)Resolve(root);

    private ConfigValue Resolve(HoconNode node)
    {
        if (++_steps > StepsMax) throw node.Position.Error("substitutions expand without end");
        if (!_resolving.Add(node)) throw node.Position.Error("a substitution refers to itself");
        try
        {
            return node switch
            {
                HoconText text => Literal(text),
                HoconList list => new ConfigList([.. list.Items
                    .Select(Resolve).Where(item => item is not null)]),
                HoconFields fields => ResolveFields(fields),
                HoconSubstitution substitution => Substitute(substitution),
                HoconSelf self => _before.TryGetValue(self, out var earlier)
                    ? ResolveLast(earlier) : null,
                HoconJoined joined => Join(joined),
                _ => throw new InvalidOperationException(),
            };
        }
        finally
        {
            _resolving.Remove(node);
        }
    }

    private static ConfigText Literal(HoconText text) =>
        new(!text.IsQuoted && text.Text == "null" ? null : text.Text);

    private ConfigObject ResolveFields(HoconFields fields)
    {
        var resolved = new List<KeyValuePair<string, ConfigValue>>();
        foreach (var (key, values) in fields.All)
        {
            if (ResolveLast(values) is { } value) resolved.Add(new(key, value));
        }
        return new ConfigObject(resolved);
    }

    /// <summary>The newest value; objects are laid over the objects before them.</summary>
    private ConfigValue ResolveLast(List<HoconNode> values)
    {
        ConfigValue result = null;
        var count = values.FindIndex(_resolving.Contains);
        if (count < 0) count = values.Count;
        for (var i = count - 1; i >= 0; i--)
        {
            RememberBefore(values, i);
            var value = Resolve(values[i]);
            if (value is null) continue;
            if (result is ConfigObject && value is not ConfigObject) return result;
            result = ConfigValue.Over(result, value);
            if (result is not ConfigObject) return result;
        }
        return result;
    }

    private void RememberBefore(List<HoconNode> values, int index)
    {
        if (values[index] is HoconJoined { Parts: [HoconSelf self, ..] })
        {
            _before[self] = values[..index];
        }
    }

    private ConfigValue Substitute(HoconSubstitution substitution)
    {
        List<HoconNode> values = [root];
        ConfigValue resolved = null;
        for (var i = 0; i < substitution.Path.Count; i++)
        {
            values = Step(values, substitution.Path[i], substitution.Path, i, out resolved);
            if (resolved is not null || values.Count == 0) break;
        }
        resolved ??= ResolveLast(values);
        resolved ??= FromEnvironment(substitution.Path);
        if (resolved is null && !substitution.IsOptional)
        {
            throw substitution.Position.Error(
                $"${{{string.Join('.', substitution.Path)}}} is not defined; it is used");
        }
        return resolved;
    }

    private static ConfigText FromEnvironment(IReadOnlyList<string> path) =>
        Environment.GetEnvironmentVariable(string.Join('.', path)) is { } value
            ? new ConfigText(value) : null;

    /// <summary>The values of a field of what the given values are together.</summary>
    private List<HoconNode> Step(List<HoconNode> values, string key, IReadOnlyList<string> path,
        int index, out ConfigValue resolved)
    {
        resolved = null;
        var found = new List<HoconNode>();
        foreach (var value in values)
        {
            if (value is HoconFields fields)
            {
                found.AddRange(fields.Find(key) ?? []);
                continue;
            }
            if (_resolving.Contains(value)) break;
            found.Clear();
            if (value is HoconText or HoconList) continue;
            // A substitution or a join: what it stands for is looked into as it is.
            if (Resolve(value) is ConfigObject inner) resolved = inner.Get([.. path.Skip(index)]);
        }
        if (found.Count > 0) resolved = null;
        return found;
    }

    private ConfigValue Join(HoconJoined joined)
    {
        ConfigValue result = null;
        StringBuilder text = null;
        var pending = ""; // White space counts only between texts.
        foreach (var part in joined.Parts)
        {
            if (part is HoconText { IsQuoted: false } blank &&
                string.IsNullOrWhiteSpace(blank.Text))
            {
                pending = blank.Text;
                continue;
            }
            var value = Resolve(part);
            if (value is null) continue;
            switch (value)
            {
                case ConfigText piece when result is null:
                    text = (text ?? new StringBuilder()).Append(text is null ? "" : pending)
                        .Append(piece.Text ?? "null");
                    break;
                case ConfigList list when text is null && result is null or ConfigList:
                    result = result is ConfigList before
                        ? new ConfigList([.. before.Items, .. list.Items]) : list;
                    break;
                case ConfigObject fields when text is null && result is null or ConfigObject:
                    result = ConfigValue.Over(fields, result);
                    break;
                default:
                    throw part.Position.Error("text, lists and objects cannot be joined");
            }
            pending = "";
        }
        return text is null ? result : new ConfigText(text.ToString());
    }
}
