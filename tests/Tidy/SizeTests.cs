using System.Text.RegularExpressions;

namespace Fabric.Tidy;

/// <summary>Sizes that keep a room readable: house style, "Sizes".</summary>
public sealed partial class SizeTests
{
    private const int FileLinesMax = 500;
    private const int KernelFileLinesMax = 600;
    private const int LineColumnsMax = 100;
    private const int FolderFilesMax = 25;

    /// <summary>Tables of facts: long by nature, one row a line.</summary>
    private static bool IsCatalogue(string path) =>
        CataloguePattern().IsMatch(Path.GetFileName(path)) || path.Contains("/Generated/");

    [Fact]
    public void Files_are_short_enough_to_read()
    {
        var long_ = Repository.Files("src", "*.cs").Concat(Repository.Files("tests", "*.cs"))
            .Where(path => !IsCatalogue(path))
            .Select(path => (path, lines: File.ReadLines(Repository.PathOf(path)).Count()))
            .Where(file => file.lines > FileLinesMax)
            .Concat(Repository.Files("driver", "*.c").Concat(Repository.Files("driver", "*.h"))
                .Where(path => !path.EndsWith("vmlinux.h", StringComparison.Ordinal))
                .Select(path => (path, lines: File.ReadLines(Repository.PathOf(path)).Count()))
                .Where(file => file.lines > KernelFileLinesMax))
            .Select(file => $"{file.path}: {file.lines} lines");
        Assert.Empty(long_);
    }

    [Fact]
    public void Lines_fit_a_page()
    {
        var wide = Repository.Files("src", "*.cs").Concat(Repository.Files("tests", "*.cs"))
            .Where(path => !IsCatalogue(path) && !path.Contains("Golden"))
            .SelectMany(LinesOutsideLiterals)
            .Where(at => at.line.Length > LineColumnsMax && !IsLiteral(at.line))
            .Select(at => $"{at.path}:{at.number}: {at.line.Length} columns");
        Assert.Empty(wide);
    }

    [Fact]
    public void Folders_hold_few_files()
    {
        var crowded = Repository.Files("src", "*.cs")
            .GroupBy(path => Path.GetDirectoryName(path)!)
            .Where(folder => folder.Count() > FolderFilesMax)
            .Select(folder => $"{folder.Key}: {folder.Count()} files");
        Assert.Empty(crowded);
    }

    /// <summary>A file's lines with their numbers, but for those inside raw strings.</summary>
    private static IEnumerable<(string path, string line, int number)> LinesOutsideLiterals(
        string path)
    {
        var isInside = false;
        var number = 0;
        foreach (var line in File.ReadLines(Repository.PathOf(path)))
        {
            number++;
            var marks = line.Split("\"\"\"").Length - 1;
            if (!isInside && marks == 0) yield return (path, line, number);
            if (marks % 2 == 1) isInside = !isInside;
        }
    }

    /// <summary>Hex and golden text cannot be broken without hiding what it says.</summary>
    private static bool IsLiteral(string line) =>
        LiteralPattern().IsMatch(line)
        || line.TrimStart().StartsWith("[InlineData", StringComparison.Ordinal);

    [GeneratedRegex("(Catalogue|Schema|Golden)", RegexOptions.None)]
    private static partial Regex CataloguePattern();

    [GeneratedRegex("\"[^\"]{60,}\"")]
    private static partial Regex LiteralPattern();
}
