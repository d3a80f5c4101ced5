using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>An error object: {"error": tag, "details": text, "syntax": JSON text}.</summary>
/// <param name="Tag">The word that programs look at, such as "constraint violation".</param>
/// <param name="Details">For people; some tools match on it, so OVS's own sentences.</param>
/// <param name="Syntax">The JSON text that was refused, if the error is about one.</param>
public sealed record OvsdbError(string Tag, string? Details = null, string? Syntax = null)
{
    public static OvsdbError ConstraintViolation(string details) =>
        new("constraint violation", details);

    public static OvsdbError ReferentialIntegrity(string details) =>
        new("referential integrity violation", details);

    public static OvsdbError SyntaxError(string details, JsonElement syntax) =>
        new("syntax error", details, OvsdbText.Compact(syntax));

    public static OvsdbError SyntaxError(string details, string? syntax = null) =>
        new("syntax error", details, syntax);

    public static OvsdbError ResourcesExhausted(string details) =>
        new("resources exhausted", details);

    public static OvsdbError TimedOut(string details) => new("timed out", details);
    public static OvsdbError NotOwner(string lockName) =>
        new("not owner", $"Asserted lock {lockName} not held.");

    public static OvsdbError Aborted { get; } = new("aborted", "aborted by request");
    public static OvsdbError Canceled { get; } = new("canceled");

    public static OvsdbError UnknownDatabase(string method, string name) => new(
        "unknown database",
        $"{method} request specifies unknown database {name}");

    public static OvsdbError DatabaseNotAvailable(string method, string name) => new(
        "database not available",
        $"{method} request specifies database {name} which is not yet available because it has "
            + "not completed joining its cluster");

    public static OvsdbError NotAllowed(string details) => new("not allowed", details);

    internal void WriteTo(string member, Utf8JsonWriter writer)
    {
        writer.WritePropertyName(member);
        WriteTo(writer);
    }

    /// <summary>An error object as a server answers it; missing members are null.</summary>
    public static OvsdbError Read(JsonElement json)
    {
        return new OvsdbError(
            TextOf("error") ?? "ovsdb error", TextOf("details"), TextOf("syntax"));

        string? TextOf(string member) =>
            json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("error", Tag);
        if (Details is not null) writer.WriteString("details", Details);
        if (Syntax is not null) writer.WriteString("syntax", Syntax);
        writer.WriteEndObject();
    }

    /// <summary>As ovsdb-tool and logs tell it: syntax "JSON": tag: details.</summary>
    public string ToSentence() =>
        (Syntax is null ? "" : $"syntax \"{Syntax}\": ") + Tag
        + (Details is null ? "" : $": {Details}");

    public override string ToString() => OvsdbText.ToText(WriteTo);
}
