namespace Fabric.Configuration;

/// <summary>For a database that lives in memory alone: all is durable at once.</summary>
internal sealed class ImmediateJournal : IDatabaseJournal
{
    public void Append(DatabaseDelta delta, Action durable) => durable();

    public void AfterAppended(Action reached) => reached();
}
