namespace Fabric.HostNode.Windows;

/// <summary>An object of WMI: its path and properties, as values that compare.</summary>
/// <param name="Path">__PATH of the object; "" for embedded ones.</param>
internal sealed record WmiObject(string Path, IReadOnlyDictionary<string, object?> Properties)
{
    public string Text(string name) => Properties.GetValueOrDefault(name)?.ToString() ?? "";

    public IReadOnlyList<string> Texts(string name) => Properties.GetValueOrDefault(name) switch
    {
        string[] texts => texts,
        IEnumerable<object> items => [.. items.Select(item => item.ToString() ?? "")],
        string text => [text],
        _ => [],
    };

    public int Number(string name) =>
        int.TryParse(Text(name), out var number) ? number : 0;
}

/// <summary>
/// What we need of WMI: queries, calls of methods, events. A double answers from a recording.
/// </summary>
internal interface IWmiSession : IDisposable
{
    /// <exception cref="WmiException">The service refuses or is not there.</exception>
    IReadOnlyList<WmiObject> Query(string wql);

    /// <summary>Objects as MOF text (WMI DTD 2.0), the form that methods take.</summary>
    string Text(WmiObject changed);

    /// <summary>A new, empty instance of a class, to be changed and given to a method.</summary>
    WmiObject Create(string className);

    /// <returns>0 done, 4096 a job was started (and has ended well when this returns).</returns>
    uint Invoke(
        WmiObject target, string method, IReadOnlyDictionary<string, object> parameters);

    IDisposable Watch(string wql, Action changed);
}

/// <summary>What WMI said, in its own words.</summary>
internal sealed class WmiException(string message, Exception? inner = null)
    : Exception(message, inner);
