using Fabric.Switching;

namespace Fabric.Configuration;

/// <summary>What rows of interfaces have beside what the bridges report.</summary>
/// <param name="read">Asks a device's driver; null: nobody is asked.</param>
public sealed class InterfaceFacts(Func<string, DeviceFacts>? read = null)
{
    private readonly Dictionary<Guid, (bool? IsUp, long Count)> _links = [];
    private readonly Dictionary<Guid, (int? Index, bool? IsUp, DeviceFacts Facts)> _devices = [];

    /// <summary>Interface.link_resets: changes of the link since it was seen first.</summary>
    public long ResetsOf(InterfaceStatus status)
    {
        if (!_links.TryGetValue(status.Row, out var before))
        {
            _links[status.Row] = (status.IsLinkUp, 0);
            return 0;
        }

        if (before.IsUp == status.IsLinkUp) return before.Count;
        _links[status.Row] = (status.IsLinkUp, before.Count + 1);
        return before.Count + 1;
    }

    /// <summary>Of the system's devices; asked again when the link or the device changed.</summary>
    public DeviceFacts DeviceOf(InterfaceStatus status)
    {
        if (read is null || status.Error is not null || status.InterfaceIndex is null or 0)
        {
            return DeviceFacts.None;
        }

        if (_devices.TryGetValue(status.Row, out var known)
            && (known.Index, known.IsUp) == (status.InterfaceIndex, status.IsLinkUp))
        {
            return known.Facts;
        }

        var facts = read(status.Name);
        _devices[status.Row] = (status.InterfaceIndex, status.IsLinkUp, facts);
        return facts;
    }

    /// <summary>Forgets rows that are gone.</summary>
    public void Keep(Func<Guid, bool> isThere)
    {
        foreach (var row in _links.Keys.Where(row => !isThere(row)).ToList()) _links.Remove(row);
        foreach (var row in _devices.Keys.Where(row => !isThere(row)).ToList())
        {
            _devices.Remove(row);
        }
    }
}
