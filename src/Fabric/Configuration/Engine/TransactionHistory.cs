using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>The last transactions of a database, oldest first; immutable.</summary>
/// <remarks>
/// Lets monitor_cond_since send a client that was away just what it missed. When the limit is
/// reached the oldest transaction goes, and who was away longer is sent everything.
/// </remarks>
public sealed class TransactionHistory
{
    public const int CountMax = 100;

    private readonly ImmutableQueue<Entry> _entries;
    private readonly int _count;

    private TransactionHistory(ImmutableQueue<Entry> entries, int count)
    {
        _entries = entries;
        _count = count;
    }

    public static TransactionHistory Empty { get; } = new([], 0);

    /// <param name="Before">The transaction that the database was at.</param>
    /// <param name="TransactionId">The one that led on.</param>
    public sealed record Entry(
        Guid Before, Guid TransactionId, ImmutableArray<RowChange> Changes);

    internal TransactionHistory Append(Entry entry) => _count < CountMax
        ? new TransactionHistory(_entries.Enqueue(entry), _count + 1)
        : new TransactionHistory(_entries.Dequeue().Enqueue(entry), _count);

    /// <summary>What followed the transaction 'since', oldest first.</summary>
    /// <returns>False if that is not known any more.</returns>
    public bool TrySince(Guid since, out ImmutableArray<Entry> missed)
    {
        var builder = ImmutableArray.CreateBuilder<Entry>();
        var isFound = false;
        foreach (var entry in _entries)
        {
            isFound |= entry.Before == since;
            if (isFound) builder.Add(entry);
        }

        missed = builder.ToImmutable();
        return isFound;
    }
}
