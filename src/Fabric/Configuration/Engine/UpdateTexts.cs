using System.Collections.Concurrent;

namespace Fabric.Configuration;

/// <summary>Update notifications of one change, kept for monitors that ask for the same.</summary>
internal sealed class UpdateTexts
{
    private readonly ConcurrentDictionary<string, byte[]> _byMonitor = new();

    /// <param name="monitor">Names everything that decides about the text.</param>
    public byte[] GetOrAdd<TState>(
        string monitor, Func<string, TState, byte[]> make, TState state) =>
        _byMonitor.GetOrAdd(monitor, make, state);
}
