using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Rows of Flow_Table as the tables understand them.</summary>
internal static class FlowTableRows
{
    /// <summary>Subfields that cannot be read are left out, as in OVS.</summary>
    public static TableSettings Of(FlowTableSpec row)
    {
        var fields = new List<Subfield>();
        foreach (var text in row.Groups)
        {
            if (OfActionText.TryParseSubfield(text, out var field, out _)) fields.Add(field);
        }

        return TableSettings.Default with
        {
            Name = row.Name,
            FlowLimit = (uint?)row.FlowLimit,
            EvictsByPolicy = row.Evicts,
            EvictionFields = fields.ToEquatableArray(),
        };
    }
}
