using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Reads column types and base types of a schema.</summary>
internal static class TypeReader
{
    private static readonly JsonValueKind[] Base = [JsonValueKind.String, JsonValueKind.Object];

    public static bool TryRead(
        JsonElement json, [NotNullWhen(true)] out ColumnType? type,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        type = null;
        if (json.ValueKind == JsonValueKind.String)
        {
            if (!TryReadBase(json, out var only, out error)) return false;
            type = ColumnType.Scalar(only);
            return true;
        }

        var members = new MemberReader(json, "ovsdb type");
        var keyText = members.Required("key", Base);
        var hasValue = members.TryOptional("value", out var valueText, Base);
        var hasMin = members.TryOptional("min", out var minText);
        var hasMax = members.TryOptional("max", out var maxText);
        error = members.Finish();
        if (error is not null) return false;
        if (!TryReadBase(keyText, out var key, out error)) return false;
        BaseType? value = null;
        if (hasValue && !TryReadBase(valueText, out value, out error)) return false;
        uint min = 1, max = 1;
        if (hasMin && !TryReadCount(minText, isMax: false, out min, out error)
            || hasMax && !TryReadCount(maxText, isMax: true, out max, out error))
        {
            return false;
        }

        if (min > 1 || max < 1 || min > max)
        {
            error = OvsdbError.SyntaxError("ovsdb type fails constraint checks", json);
            return false;
        }

        type = new ColumnType(key, value, min, max);
        return true;
    }

    private static bool TryReadCount(
        JsonElement json, bool isMax, out uint count, [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        count = ColumnType.Unlimited;
        if (isMax && json.ValueKind == JsonValueKind.String && json.ValueEquals("unlimited"))
        {
            return true;
        }

        if (json.ValueKind == JsonValueKind.Number && json.TryGetUInt32(out count)) return true;
        error = OvsdbError.SyntaxError("bad min or max value", json);
        return false;
    }

    private static bool TryReadBase(
        JsonElement json, [NotNullWhen(true)] out BaseType? type,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        type = null;
        if (json.ValueKind == JsonValueKind.String) return TryReadWord(json, out type, out error);
        var members = new MemberReader(json, "ovsdb type");
        var word = members.Required("type", JsonValueKind.String);
        if (word.ValueKind != JsonValueKind.String)
        {
            error = members.Error ?? OvsdbError.SyntaxError("expected type", json);
            return false;
        }

        if (!TryReadWord(word, out var plain, out error)) return false;
        var hasEnumeration = members.TryOptional("enum", out var enumeration);
        type = hasEnumeration ? plain : plain.Type switch
        {
            AtomType.Integer => plain with
            {
                IntegerMin = ReadInteger(members, "minInteger", long.MinValue),
                IntegerMax = ReadInteger(members, "maxInteger", long.MaxValue),
            },
            AtomType.Real => plain with
            {
                RealMin = ReadReal(members, "minReal", double.MinValue),
                RealMax = ReadReal(members, "maxReal", double.MaxValue),
            },
            AtomType.String => plain with
            {
                LengthMin = (uint)Math.Clamp(
                    ReadInteger(members, "minLength", 0), 0, uint.MaxValue),
                LengthMax = (uint)Math.Clamp(
                    ReadInteger(members, "maxLength", uint.MaxValue), 0, uint.MaxValue),
            },
            AtomType.Uuid => ReadReference(members, plain),
            _ => plain,
        };
        error = members.Finish() ?? CheckRanges(type, json);
        if (error is not null || !hasEnumeration) return error is null;
        var set = ColumnType.Set(plain, 1);
        if (!DatumReader.TryRead(enumeration, set, null, out var allowed, out error)) return false;
        type = type with { Enumeration = allowed };
        return true;
    }

    private static OvsdbError? CheckRanges(BaseType type, JsonElement json)
    {
        var what = type.IntegerMin > type.IntegerMax ? "Integer"
            : type.RealMin > type.RealMax ? "Real"
            : type.LengthMin > type.LengthMax ? "Length" : null;
        return what is null
            ? null : OvsdbError.SyntaxError($"min{what} exceeds max{what}", json);
    }

    private static BaseType ReadReference(MemberReader members, BaseType plain)
    {
        if (!members.TryOptional("refTable", out var table, JsonValueKind.String)) return plain;
        var isWeak = members.TryOptional("refType", out var word, JsonValueKind.String)
            && word.ValueEquals("weak");
        if (word.ValueKind == JsonValueKind.String && !isWeak && !word.ValueEquals("strong"))
        {
            members.FailPlainly(
                $"refType must be \"strong\" or \"weak\" (not \"{word.GetString()}\")");
        }

        return plain with { ReferenceTable = table.GetString(), IsWeakReference = isWeak };
    }

    private static long ReadInteger(MemberReader members, string name, long standard) =>
        members.TryOptional(name, out var json, JsonValueKind.Number)
            && DatumReader.TryReadInteger(json, out var number) ? number : standard;

    private static double ReadReal(MemberReader members, string name, double standard) =>
        members.TryOptional(name, out var json, JsonValueKind.Number)
            && json.TryGetDouble(out var number) ? number : standard;

    private static bool TryReadWord(
        JsonElement json, [NotNullWhen(true)] out BaseType? type,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        type = json.GetString() switch
        {
            "integer" => BaseType.Integer,
            "real" => BaseType.Real,
            "boolean" => BaseType.Boolean,
            "string" => BaseType.String,
            "uuid" => BaseType.Uuid,
            _ => null,
        };
        error = type is not null
            ? null
            : OvsdbError.SyntaxError($"\"{json.GetString()}\" is not an atomic-type", json);
        return type is not null;
    }
}
