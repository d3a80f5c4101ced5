using System.Text;
using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>Files of clusters whose records are whole, and say nonsense.</summary>
public sealed class ClusterFileTests : IDisposable
{
    private const string Schema =
        """{"name":"o","tables":{"t":{"isRoot":true,"columns":{"c":{"type":"string"}}}}}""";

    private const int Rounds = 300;

    private static readonly string[] Pieces =
        ["{", "[", "]", "}", "null", "-1", "1e99", "\"\"", "[]", "{}", "9223372036854775808", ","];

    private readonly string _folder =
        Directory.CreateTempSubdirectory("fabric-fuzz-").FullName;

    private string PathOf(string name) => Path.Combine(_folder, name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void They_are_opened_or_refused_with_a_reason()
    {
        File.WriteAllText(PathOf("schema"), Schema);
        Run(0, "create-cluster", PathOf("whole"), PathOf("schema"), "tcp:127.0.0.1:6643");
        string[] records =
        [
            File.ReadAllLines(PathOf("whole"))[1],
            """{"term":2,"vote":"12345678-1234-1234-1234-123456789abc"}""",
            """{"term":2,"index":2,"election_timer":2000}""",
            """{"term":2,"index":3,"eid":"12345678-1234-1234-1234-123456789abc","data":[null,"""
                + """{"t":{"12345678-1234-1234-1234-123456789abc":{"c":"x"}}}]}""",
            """{"commit_index":3}""",
        ];
        var random = new Random(12);
        var opened = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var bent = random.Next(records.Length);
            var bytes = records.SelectMany((record, i) => LogRecord.Frame(
                LogRecord.Clustered,
                Encoding.UTF8.GetBytes(i == bent ? Bend(record, random) : record))).ToArray();
            File.WriteAllBytes(PathOf("bent"), bytes);
            Run(null, "-mm", "show-log", PathOf("bent"));
            Run(null, "check-cluster", PathOf("bent"));
            if (!DatabaseFile.TryOpen(PathOf("bent"), "bent", out var file, out var problem))
            {
                Assert.NotEmpty(problem);
                continue;
            }

            opened++;
            file.Dispose();
            Assert.True(
                DatabaseFile.TryOpen(PathOf("bent"), "bent", out file, out problem), problem);
            Assert.Null(file.TornTail);
            file.Dispose();
        }

        Assert.InRange(opened, 1, Rounds - 1);
    }

    private static void Run(int? wanted, params string[] words)
    {
        using var output = new StringWriter();
        var code = OvsdbTool.Run(words, output, output);
        if (wanted is { } exact) Assert.Equal(exact, code);
        Assert.InRange(code, 0, 2);
    }

    private static string Bend(string record, Random random)
    {
        var text = new StringBuilder(record);
        var at = random.Next(text.Length);
        if (random.Next(2) == 0) text.Remove(at, Math.Min(random.Next(1, 4), text.Length - at));
        else text.Insert(at, Pieces[random.Next(Pieces.Length)]);
        return text.ToString();
    }
}
