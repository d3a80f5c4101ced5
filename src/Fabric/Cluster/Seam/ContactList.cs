using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Whom a host turns to that looks for its cluster.</summary>
/// <remarks>
/// All contacts while they are few. Of a thousand some at a time, others each time: two hundred
/// hosts that come back together must not all ask everybody, nor all ask the same ones.
/// </remarks>
public sealed class ContactList(string host, FabricStart start)
{
    public const int CountAtOnce = 16;

    private readonly ImmutableArray<string> _seeds =
        [.. start.Contacts.Except(start.KnownHosts.Values)];

    private int _turn = start.Contacts.IsEmpty
        ? 0
        : (int)((HostShards.HashOf(host) + start.Incarnation) % start.Contacts.Length);

    /// <summary>There is always somebody else to turn to.</summary>
    public bool IsLarge => start.Contacts.Length > CountAtOnce;

    /// <summary>
    /// The next ones; seeds that were never members, and these voters, every time.
    /// </summary>
    public ImmutableArray<string> Next(VoterSet voters)
    {
        if (!IsLarge) return start.Contacts;
        var next = Enumerable.Range(_turn, CountAtOnce)
            .Select(index => start.Contacts[index % start.Contacts.Length]);
        _turn = (_turn + CountAtOnce) % start.Contacts.Length;
        var wanted = voters.Hosts.Where(voter => voter != host)
            .Select(voter => start.KnownHosts.GetValueOrDefault(voter)).OfType<string>();
        return [.. wanted.Concat(_seeds).Concat(next).Distinct()];
    }
}
