using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>A row of Meter with its band.</summary>
/// <param name="IsPackets">Rates are packets a second, else kilobits a second.</param>
/// <param name="IsFair">Each user of the meter gets one of its own.</param>
public sealed record MeterRow(
    Guid Uuid, string Name, bool IsPackets, bool IsFair, Guid? Band)
{
    public static MeterRow Read(Row row, Action<string> complain) => new(
        row.Uuid, row.GetString("name"), row.GetString("unit") == "pktps",
        row.GetBooleanOrNull("fair") ?? false,
        row.GetReferences("bands") is [var band, ..] ? band : null);
}

/// <summary>A row of Meter_Band: what is above the rate is dropped.</summary>
public sealed record MeterBandRow(Guid Uuid, uint Rate, uint Burst)
{
    public static MeterBandRow Read(Row row, Action<string> complain) => new(
        row.Uuid, (uint)row.GetInteger("rate"), (uint)row.GetInteger("burst_size"));
}

/// <summary>A row of Chassis_Template_Var: what ^NAME stands for on one host.</summary>
public sealed record TemplateVariables(
    Guid Uuid, string Chassis,
    System.Collections.Immutable.ImmutableSortedDictionary<string, string> Variables)
{
    public static TemplateVariables Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("chassis"), row.GetMap("variables"));

    /// <summary>The text with each ^NAME replaced; unknown names stay as they are.</summary>
    public string Expand(string text)
    {
        foreach (var (name, value) in Variables.Reverse())
            text = text.Replace($"^{name}", value, StringComparison.Ordinal);
        return text;
    }
}
