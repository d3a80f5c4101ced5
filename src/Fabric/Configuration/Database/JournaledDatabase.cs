using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>A transaction in the journal: <see cref="DatabaseDelta.ToJson"/>.</summary>
public sealed record JournaledDelta(ReadOnlyMemory<byte> Json);

/// <summary>A whole database in the snapshot store: all rows as one delta.</summary>
public sealed record JournaledSnapshot(ReadOnlyMemory<byte> Json);
