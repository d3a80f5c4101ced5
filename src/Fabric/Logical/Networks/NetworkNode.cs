using System.Globalization;
using Fabric.Wire;
using YamlDotNet.RepresentationModel;

namespace Fabric.Logical;

/// <summary>Collects what is wrong while a document is read.</summary>
internal sealed class NetworkErrors(string fileName)
{
    private readonly List<NetworkDocumentError> _errors = [];

    public bool Any => _errors.Count > 0;

    public void Add(NetworkPlace place, string message, string fix)
    {
        const int shownMax = 100;
        if (_errors.Count < shownMax)
            _errors.Add(new NetworkDocumentError(fileName, place, message, fix));
    }

    public NetworkDocumentException ToException() =>
        new([.. _errors.OrderBy(error => error.Place)]);
}

/// <summary>A YAML mapping being read key by key; keys that nobody asked for are errors.</summary>
internal sealed class NetworkNode
{
    private readonly NetworkErrors _errors;
    private readonly YamlMappingNode _mapping;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private NetworkNode(string what, YamlMappingNode mapping, NetworkErrors errors)
    {
        What = what;
        _mapping = mapping;
        _errors = errors;
        Place = PlaceOf(mapping);
    }

    /// <summary>What the mapping describes, for messages: "port web1".</summary>
    public string What { get; }

    public NetworkPlace Place { get; }

    public static NetworkPlace PlaceOf(YamlNode node) =>
        new((int)node.Start.Line, (int)node.Start.Column);

    /// <summary>Null (and an error) when the node is no mapping; an empty node is one.</summary>
    public static NetworkNode? Of(string what, YamlNode node, NetworkErrors errors)
    {
        if (node is YamlMappingNode mapping) return new NetworkNode(what, mapping, errors);
        if (node is YamlScalarNode { Value: null or "" })
            return new NetworkNode(what, new YamlMappingNode(), errors);
        errors.Add(PlaceOf(node), $"{what} is not a mapping", "write it as \"key: value\" lines");
        return null;
    }

    public YamlNode? Find(string key)
    {
        _asked.Add(key);
        return _mapping.Children.TryGetValue(new YamlScalarNode(key), out var node) ? node : null;
    }

    /// <summary>Named parts of a mapping, in order: "web1: {...}".</summary>
    public IEnumerable<(string Name, YamlNode Node)> Named(string key)
    {
        var node = Find(key);
        if (node is null or YamlScalarNode { Value: null or "" }) yield break;
        if (node is not YamlMappingNode mapping)
        {
            _errors.Add(
                PlaceOf(node), $"{key} of {What} is not a mapping", "write it as \"name: ...\"");
            yield break;
        }

        foreach (var (name, child) in mapping.Children)
        {
            if (name is YamlScalarNode { Value.Length: > 0 } scalar)
                yield return (scalar.Value, child);
            else
                _errors.Add(PlaceOf(name), "a name is missing", "write a name before the colon");
        }
    }

    /// <summary>Parts of a list, in order.</summary>
    public IEnumerable<YamlNode> Listed(string key)
    {
        var node = Find(key);
        if (node is null or YamlScalarNode { Value: null or "" }) return [];
        if (node is YamlSequenceNode sequence) return sequence.Children;
        _errors.Add(
            PlaceOf(node), $"{key} of {What} is not a list", "write it as [a, b] or - lines");
        return [];
    }

    /// <summary>Texts of a list; a single text counts as a list of one.</summary>
    public IEnumerable<(string Text, NetworkPlace Place)> Texts(string key)
    {
        var node = Find(key);
        if (node is YamlScalarNode { Value.Length: > 0 } one) return [(one.Value, PlaceOf(one))];
        return Listed(key).Select(child => child is YamlScalarNode { Value.Length: > 0 } scalar
            ? (scalar.Value, PlaceOf(scalar))
            : ("", PlaceOf(child)));
    }

    public string? Text(string key)
    {
        var node = Find(key);
        if (node is null) return null;
        if (node is YamlScalarNode { Value: { Length: > 0 } value }) return value;
        _errors.Add(PlaceOf(node), $"{key} of {What} is not a text", $"write \"{key}: value\"");
        return null;
    }

    public string Required(string key, string example)
    {
        if (Text(key) is { } text) return text;
        if (Find(key) is null)
            _errors.Add(Place, $"{What} has no {key}", $"add \"{key}: {example}\"");
        return "";
    }

    public bool Flag(string key, bool otherwise)
    {
        var text = Text(key);
        if (text is null) return otherwise;
        if (text is "true" or "yes" or "on") return true;
        if (text is "false" or "no" or "off") return false;
        Wrong(key, text, "true or false");
        return otherwise;
    }

    public int? Number(string key, int min, int max)
    {
        var text = Text(key);
        if (text is null) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        Wrong(key, text, $"a number from {min} to {max}");
        return null;
    }

    public MacBytes? Mac(string key)
    {
        var text = Text(key);
        if (text is null) return null;
        if (MacBytes.TryParse(text, out var mac) && !mac.IsMulticast && !mac.IsZero) return mac;
        Wrong(key, text, "a unicast MAC address such as 02:00:00:00:00:01");
        return null;
    }

    public string OneOf(string key, string otherwise, params string[] allowed)
    {
        var text = Text(key);
        if (text is null) return otherwise;
        if (allowed.Contains(text)) return text;
        Wrong(key, text, $"one of {string.Join(", ", allowed)}");
        return otherwise;
    }

    public void Wrong(string key, string text, string wanted)
    {
        var place = Find(key) is { } node ? PlaceOf(node) : Place;
        _errors.Add(place, $"{key} of {What}: \"{text}\" is not valid", $"write {wanted}");
    }

    /// <summary>To be called last: names keys that mean nothing.</summary>
    public void RefuseOthers()
    {
        foreach (var (key, _) in _mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            if (_asked.Contains(name)) continue;
            _errors.Add(
                PlaceOf(key), $"{What} has no setting \"{name}\"",
                $"use one of {string.Join(", ", _asked.Order(StringComparer.Ordinal))}");
        }
    }
}
