using Fabric.Switching;

namespace Fabric.Configuration;

/// <summary>How often links went up or down since they were seen first.</summary>
public sealed class LinkResets
{
    private readonly Dictionary<Guid, (bool? IsUp, long Count)> _links = [];

    /// <summary>Interface.link_resets with what is known now.</summary>
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

    /// <summary>Forgets rows that are gone.</summary>
    public void Keep(Func<Guid, bool> isThere)
    {
        foreach (var row in _links.Keys.Where(row => !isThere(row)).ToList()) _links.Remove(row);
    }
}
