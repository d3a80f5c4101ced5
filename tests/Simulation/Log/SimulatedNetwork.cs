namespace Fabric.Simulation;

/// <summary>Carries messages between numbered hosts under one seed and one virtual clock.</summary>
/// <remarks>
/// What is due is kept in time order, ties in order of sending. Loss, duplication and delay are
/// drawn for every message; delays differ, so messages overtake each other.
/// </remarks>
internal sealed class SimulatedNetwork<TMessage>(Random random)
{
    private readonly PriorityQueue<Delivery, (TimeSpan, long)> _due = new();
    private readonly HashSet<(string From, string To)> _cut = [];
    private long _count;

    internal readonly record struct Delivery(
        TimeSpan At, string From, string To, TMessage Message);

    public double LossRatio { get; set; }

    public double DuplicationRatio { get; set; }

    public TimeSpan DelayMax { get; set; } = TimeSpan.FromMilliseconds(20);

    public long LostCount { get; private set; }

    public TimeSpan? NextAt => _due.TryPeek(out var next, out _) ? next.At : null;

    public void Send(TimeSpan now, string from, string to, TMessage message)
    {
        if (from != to && (_cut.Contains((from, to)) || random.NextDouble() < LossRatio))
        {
            LostCount++;
            return;
        }

        Enqueue(now, from, to, message);
        if (from != to && random.NextDouble() < DuplicationRatio) Enqueue(now, from, to, message);
    }

    public Delivery Take() => _due.Dequeue();

    /// <summary>Cuts one direction.</summary>
    public void Cut(string from, string to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    private void Enqueue(TimeSpan now, string from, string to, TMessage message)
    {
        var delay = from == to ? TimeSpan.Zero : DelayMax * random.NextDouble();
        _due.Enqueue(new Delivery(now + delay, from, to, message), (now + delay, _count++));
    }
}
