using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Reads values as RFC 7047 section 5.1 has them.</summary>
public static class DatumReader
{
    private const string UuidFormat = "D";

    /// <param name="names">Null where named UUIDs make no sense, such as in monitors.</param>
    /// <returns>False, and the error object to answer with, if 'json' is no such value.</returns>
    public static bool TryRead(
        JsonElement json, ColumnType type, NamedUuids? names, out Datum datum,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        datum = type.IsMap ? Datum.EmptyMap : Datum.EmptySet;
        if (!type.IsMap && !IsSet(json))
        {
            if (!TryReadAtom(json, type.Key, names, out var atom, out error)) return false;
            datum = Datum.Of(atom);
            return true;
        }

        var word = type.IsMap ? "map" : "set";
        if (!IsTagged(json, word) || json[1].ValueKind != JsonValueKind.Array)
        {
            error = OvsdbError.SyntaxError($"expected [\"{word}\", <array>]", json);
            return false;
        }

        var items = json[1];
        var count = items.GetArrayLength();
        if (count < type.CountMin || count > type.CountMax)
        {
            error = OvsdbError.SyntaxError(
                type is { CountMin: 1, CountMax: 1 }
                    ? $"{word} must have exactly one member but {count} are present"
                    : $"{word} must have {type.CountMin} to {type.CountMax} members but "
                        + $"{count} are present",
                json);
            return false;
        }

        return TryReadItems(json, items, count, type, names, out datum, out error);
    }

    private static bool TryReadItems(
        JsonElement json, JsonElement items, int count, ColumnType type, NamedUuids? names,
        out Datum datum, [NotNullWhen(false)] out OvsdbError? error)
    {
        datum = Datum.EmptySet;
        var keys = new Atom[count];
        var values = type.IsMap ? new Atom[count] : null;
        var i = 0;
        foreach (var item in items.EnumerateArray())
        {
            var key = item;
            if (values is not null)
            {
                if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2)
                {
                    error = OvsdbError.SyntaxError("expected 2-element array", item);
                    return false;
                }

                key = item[0];
                if (!TryReadAtom(item[1], type.Value!, names, out values[i], out error))
                {
                    return false;
                }
            }

            if (!TryReadAtom(key, type.Key, names, out keys[i], out error)) return false;
            i++;
        }

        error = null;
        if (Datum.TryCreate(keys, values, out datum)) return true;
        error = new OvsdbError(
            "ovsdb error",
            type.IsMap ? "map contains duplicate key" : "set contains duplicate");
        return false;
    }

    public static bool TryReadAtom(
        JsonElement json, BaseType type, NamedUuids? names, out Atom atom,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        switch (type.Type)
        {
            case AtomType.Integer when TryReadInteger(json, out var integer):
                atom = Atom.Of(integer);
                break;
            case AtomType.Real when json.ValueKind == JsonValueKind.Number
                && json.TryGetDouble(out var real):
                atom = Atom.Of(real);
                break;
            case AtomType.Boolean
                when json.ValueKind is JsonValueKind.True or JsonValueKind.False:
                atom = Atom.Of(json.ValueKind == JsonValueKind.True);
                return true;
            case AtomType.String when json.ValueKind == JsonValueKind.String:
                atom = Atom.Of(json.GetString()!);
                break;
            case AtomType.Uuid:
                return TryReadUuid(json, names, out atom, out error);
            default:
                atom = default;
                error = OvsdbError.SyntaxError(
                    $"expected {ColumnType.TypeWord(type.Type)}", json);
                return false;
        }

        error = ValueCheck.Check(atom, type);
        return error is null;
    }

    /// <summary>["uuid", text], or ["named-uuid", name] where names are given.</summary>
    private static bool TryReadUuid(
        JsonElement json, NamedUuids? names, out Atom atom,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        atom = default;
        error = null;
        if (IsTagged(json, "uuid") && json[1].ValueKind == JsonValueKind.String)
        {
            if (Guid.TryParseExact(json[1].GetString(), UuidFormat, out var uuid))
            {
                atom = Atom.Of(uuid);
                return true;
            }

            error = OvsdbError.SyntaxError($"\"{json[1].GetString()}\" is not a valid UUID", json);
            return false;
        }

        if (names is not null && IsTagged(json, "named-uuid")
            && json[1].ValueKind == JsonValueKind.String)
        {
            atom = Atom.Of(names.UuidOf(json[1].GetString()!));
            return true;
        }

        error = OvsdbError.SyntaxError("expected [\"uuid\", <string>]", json);
        return false;
    }

    /// <remarks>A number such as 1.0 or 1e3 is an integer, as in OVS.</remarks>
    public static bool TryReadInteger(JsonElement json, out long integer)
    {
        integer = 0;
        if (json.ValueKind != JsonValueKind.Number) return false;
        if (json.TryGetInt64(out integer)) return true;
        if (!json.TryGetDouble(out var real) || real != Math.Floor(real)) return false;
        if (real is < -9.2e18 or > 9.2e18) return false;
        integer = (long)real;
        return true;
    }

    /// <summary>An array that begins with the word: a set, well formed or not.</summary>
    private static bool IsSet(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array
        && json.GetArrayLength() > 0
        && json[0].ValueKind == JsonValueKind.String
        && json[0].ValueEquals("set"u8);

    /// <summary>An array of two whose first element is the word 'tag'.</summary>
    private static bool IsTagged(JsonElement json, string tag) =>
        json.ValueKind == JsonValueKind.Array
        && json.GetArrayLength() == 2
        && json[0].ValueKind == JsonValueKind.String
        && json[0].ValueEquals(tag);
}
