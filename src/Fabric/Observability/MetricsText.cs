using System.Globalization;
using System.Text;

namespace Fabric.Observability;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4.</summary>
/// <remarks>One HELP and TYPE line a family, samples behind it; label values are escaped.</remarks>
public sealed class MetricsText
{
    private readonly StringBuilder _text = new();

    /// <summary>A counter family; by convention its name ends in _total.</summary>
    public MetricsText Counter(
        string name, string help, params IEnumerable<MetricSample> samples) =>
        Family(name, "counter", help, samples);

    public MetricsText Gauge(string name, string help, params IEnumerable<MetricSample> samples) =>
        Family(name, "gauge", help, samples);

    private MetricsText Family(
        string name, string type, string help, IEnumerable<MetricSample> samples)
    {
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        foreach (var sample in samples)
        {
            _text.Append(name);
            if (sample.Labels.Length > 0)
            {
                _text.Append('{');
                _text.AppendJoin(',', sample.Labels.Select(label =>
                    $"{label.Name}=\"{Escape(label.Value)}\""));
                _text.Append('}');
            }

            _text.Append(CultureInfo.InvariantCulture, $" {sample.Value:R}\n");
        }

        return this;
    }

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);

    public override string ToString() => _text.ToString();
}

/// <summary>One value of a metric family.</summary>
public readonly record struct MetricSample(
    double Value, params (string Name, string Value)[] Labels)
{
    public static implicit operator MetricSample(double value) => new(value);
}
