namespace Fabric.Cluster;

/// <summary>
/// Publishes what gossip says; while a host that was cut off settles, also what it knew before.
/// </summary>
/// <remarks>
/// A host that has come back is told by and by of all others, and they may come back after it:
/// until then they are where they were, and tunnels and flows stay. Belongs to one actor.
/// </remarks>
/// <param name="untold">What of the first is not told of in the second; null: nothing.</param>
/// <param name="join">Both in one; neither tells of what the other does.</param>
internal sealed class CarriedOver<TMessage>(
    Publication<TMessage> publication, Func<TMessage, TMessage, TMessage?> untold,
    Func<TMessage, TMessage, TMessage> join)
    where TMessage : class
{
    private TMessage? _kept;
    private TMessage? _told;

    /// <summary>This host is in no cluster any more: all stays as it was published last.</summary>
    public void Keep() => _kept = publication.Last ?? _kept;

    /// <param name="isMember">
    /// What is told on the way out of a cluster is taken back soon: nothing is forgotten for it.
    /// </param>
    public void Publish(TMessage changed, bool isMember)
    {
        _told = changed;
        var kept = _kept is null ? null : untold(_kept, changed);
        if (isMember) _kept = kept;
        publication.Publish(kept is null ? changed : join(kept, changed));
    }

    /// <summary>This host has heard of all others by now.</summary>
    public void Settle()
    {
        _kept = null;
        if (_told is not null && !ReferenceEquals(_told, publication.Last))
            publication.Publish(_told);
    }
}
