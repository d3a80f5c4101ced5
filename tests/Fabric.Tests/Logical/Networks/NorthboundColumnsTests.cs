using Fabric.Configuration;

namespace Fabric.Tests.Logical;

/// <summary>The page of columns says something of each column, and of no other.</summary>
public sealed class NorthboundColumnsTests
{
    [Fact]
    public void The_page_has_every_table_and_column_of_the_schema_once()
    {
        var told = ExampleNetworks.Document("northbound-columns.md").Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells[1] is not ("table" or "---"))
            .SelectMany(cells => cells[2..4].SelectMany(cell => cell.Split(
                    ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                .Select(column => $"{cells[1]}.{column}"))
            .Order(StringComparer.Ordinal);
        var wanted = NorthboundSchema.Schema.Tables
            .SelectMany(table => table.Columns.Where(column => column.Name != "external_ids")
                .Select(column => $"{table.Name}.{column.Name}"))
            .Order(StringComparer.Ordinal);
        Assert.Equal(wanted, told);
    }
}
