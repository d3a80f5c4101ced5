using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Fabric.Host;

/// <summary>One request of ovs-appctl, or of our own command line.</summary>
/// <param name="IsJson">The client asked for JSON replies (set-options --format json).</param>
public sealed record UnixctlRequest(
    string Command, ImmutableArray<string> Arguments, bool IsJson);

/// <summary>The request fails; the message is the error text that the tool prints.</summary>
public sealed class UnixctlException(string message) : Exception(message);

/// <summary>The commands that a control socket offers; rooms register theirs at start.</summary>
/// <remarks>Registering a name again replaces it: rooms start anew.</remarks>
public sealed class UnixctlCommands
{
    private ImmutableSortedDictionary<string, Entry> _entries =
        ImmutableSortedDictionary.Create<string, Entry>(StringComparer.Ordinal);

    private sealed record Entry(
        string Usage, int ArgumentsMin, int ArgumentsMax,
        Func<UnixctlRequest, Task<string>> Handler);

    public UnixctlCommands()
    {
        Register("list-commands", "", 0, 0, request => Task.FromResult(request.IsJson
            ? JsonSerializer.Serialize(
                _entries.ToDictionary(pair => pair.Key, pair => pair.Value.Usage))
            : List()));
    }

    /// <summary>Names and arguments of all commands, in order.</summary>
    public IEnumerable<(string Name, string Usage)> Usages =>
        _entries.Select(pair => (pair.Key, pair.Value.Usage));

    /// <summary>Adds a command.</summary>
    /// <param name="usage">Arguments as list-commands shows them.</param>
    /// <param name="handler">
    /// Gives the result text, or throws <see cref="UnixctlException"/>.
    /// </param>
    public void Register(
        string name, string usage, int argumentsMin, int argumentsMax,
        Func<UnixctlRequest, Task<string>> handler)
    {
        var entry = new Entry(usage, argumentsMin, argumentsMax, handler);
        ImmutableInterlocked.Update(
            ref _entries, static (entries, add) => entries.SetItem(add.name, add.entry),
            (name, entry));
    }

    /// <summary>Runs a command.</summary>
    /// <exception cref="UnixctlException">
    /// Unknown, wrong arguments, or the command failed.
    /// </exception>
    public Task<string> RunAsync(UnixctlRequest request)
    {
        if (!_entries.TryGetValue(request.Command, out var entry))
        {
            throw new UnixctlException(
                $"\"{request.Command}\" is not a valid command "
                + "(use \"list-commands\" to see a list of valid commands)");
        }

        // dpctl's options are not arguments.
        var count = request.Command.StartsWith("dpctl/", StringComparison.Ordinal)
            ? request.Arguments.Count(word => !word.StartsWith('-')) : request.Arguments.Length;
        if (count < entry.ArgumentsMin)
        {
            throw new UnixctlException(
                $"\"{request.Command}\" command requires at least {entry.ArgumentsMin} arguments");
        }

        if (count > entry.ArgumentsMax)
        {
            throw new UnixctlException(
                $"\"{request.Command}\" command takes at most {entry.ArgumentsMax} arguments");
        }

        return entry.Handler(request);
    }

    private string List()
    {
        var text = new StringBuilder("The available commands are:\n");
        foreach (var (name, entry) in _entries)
        {
            text.Append("  ").Append(name.PadRight(23)).Append(' ');
            text.Append(entry.Usage).Append('\n');
        }

        return text.ToString();
    }
}
