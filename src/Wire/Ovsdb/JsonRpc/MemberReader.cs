using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Takes the members of a JSON object one by one and notices what is left over.</summary>
/// <remarks>The first thing that is wrong is kept; its sentence is OVS's.</remarks>
public sealed class MemberReader
{
    private readonly JsonElement _json;
    private readonly string _name;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <param name="name">What is being read, for the error's sentence.</param>
    public MemberReader(JsonElement json, string name)
    {
        _json = json;
        _name = name;
        if (json.ValueKind != JsonValueKind.Object)
        {
            Error = OvsdbError.SyntaxError($"Parsing {name} failed: Object expected.");
        }
    }

    public OvsdbError? Error { get; private set; }

    public bool TryOptional(string member, out JsonElement value, params JsonValueKind[] kinds)
    {
        value = default;
        if (_json.ValueKind != JsonValueKind.Object) return false;
        if (!_json.TryGetProperty(member, out value)) return false;
        _taken.Add(member);
        if (kinds.Length == 0 || kinds.Contains(value.ValueKind)) return true;
        Fail($"Type mismatch for member '{member}'.");
        return false;
    }

    public JsonElement Required(string member, params JsonValueKind[] kinds)
    {
        if (TryOptional(member, out var value, kinds)) return value;
        if (!_taken.Contains(member)) Fail($"Required '{member}' member is missing.");
        return default;
    }

    public string RequiredString(string member)
    {
        var value = Required(member, JsonValueKind.String);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }

    /// <summary>A name such as C has them: letters, digits and underscores.</summary>
    public string RequiredId(string member)
    {
        var text = RequiredString(member);
        if (Error is null && !OperationReader.IsIdentifier(text))
        {
            Fail($"Type mismatch for member '{member}'.");
        }

        return text;
    }

    public void Fail(string sentence) => Error ??=
        OvsdbError.SyntaxError($"Parsing {_name} failed: {sentence}", _json);

    /// <summary>Fails without naming what is being read.</summary>
    public void FailPlainly(string sentence) =>
        Error ??= OvsdbError.SyntaxError(sentence, _json);

    /// <summary>Complains about members that nobody took.</summary>
    public OvsdbError? Finish()
    {
        if (Error is not null || _json.ValueKind != JsonValueKind.Object) return Error;
        foreach (var member in _json.EnumerateObject())
        {
            if (_taken.Contains(member.Name)) continue;
            Fail($"Member '{member.Name}' is present but not allowed here.");
            break;
        }

        return Error;
    }
}
