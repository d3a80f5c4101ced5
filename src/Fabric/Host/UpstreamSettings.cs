using System.Collections.Immutable;
using Akka.Configuration;
using Fabric.Configuration;

namespace Fabric.Host;

/// <summary>An OVN that others run, which this host takes part in.</summary>
/// <param name="Northbound">Remotes of its OVN_Northbound, tried in turn.</param>
/// <param name="Southbound">
/// Remotes of its OVN_Southbound; none: only its northbound is followed, the mesh is the fabric's.
/// </param>
public sealed record UpstreamSettings(
    ImmutableArray<OvsdbRemote> Northbound, ImmutableArray<OvsdbRemote> Southbound)
{
    /// <summary>
    /// fabric.northbound.source: "embedded", "nb=REMOTE,...", or "nb=REMOTE,... sb=REMOTE,...".
    /// </summary>
    /// <exception cref="HostSettingsException">It is neither.</exception>
    internal static UpstreamSettings? Read(Config root)
    {
        var text = HostSettings.TextOr(root, "northbound.source", "embedded");
        if (text == "embedded") return null;
        ImmutableArray<OvsdbRemote> northbound = [], southbound = [];
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith("nb=", StringComparison.Ordinal)) northbound = Remotes(word[3..]);
            else if (word.StartsWith("sb=", StringComparison.Ordinal))
                southbound = Remotes(word[3..]);
            else throw Wrong(text);
        }

        return northbound.IsEmpty
            ? throw Wrong(text)
            : new UpstreamSettings(northbound, southbound);
    }

    private static ImmutableArray<OvsdbRemote> Remotes(string list)
    {
        var remotes = ImmutableArray.CreateBuilder<OvsdbRemote>();
        foreach (var text in list.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!OvsdbRemote.TryParse(text, out var remote) || remote.IsPassive)
            {
                throw new HostSettingsException(
                    $"fabric.northbound.source: \"{text}\" is no remote to connect to, "
                    + "such as tcp:192.0.2.1:6641 or unix:/run/ovn/ovnnb_db.sock");
            }

            remotes.Add(remote);
        }

        return remotes.ToImmutable();
    }

    private static HostSettingsException Wrong(string text) => new(
        $"fabric.northbound.source = \"{text}\": use embedded, nb=REMOTE[,REMOTE...] to "
        + "follow a northbound, or nb=... sb=REMOTE[,REMOTE...] to be a chassis of that OVN");
}
