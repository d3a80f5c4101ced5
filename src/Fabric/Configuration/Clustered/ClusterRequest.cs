namespace Fabric.Configuration;

/// <summary>A cluster/* command for a clustered database; <see cref="HostAnswer"/>.</summary>
/// <param name="Verb">The command without "cluster/".</param>
/// <param name="Argument">Its argument after the database; "" if none.</param>
internal sealed record ClusterRequest(string Verb, string Argument);
