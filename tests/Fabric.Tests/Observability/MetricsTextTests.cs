using Fabric.Observability;

namespace Fabric.Tests.Observability;

public sealed class MetricsTextTests
{
    [Fact]
    public void Families_are_written_as_prometheus_reads_them()
    {
        var text = new MetricsText()
            .Counter("a_total", "Things.", new MetricSample(3, ("name", "x\"y\\z")), 4)
            .Gauge("b", "Level.", 0.5)
            .ToString();
        Assert.Equal(
            "# HELP a_total Things.\n# TYPE a_total counter\n"
            + "a_total{name=\"x\\\"y\\\\z\"} 3\na_total 4\n"
            + "# HELP b Level.\n# TYPE b gauge\nb 0.5\n",
            text);
    }
}
