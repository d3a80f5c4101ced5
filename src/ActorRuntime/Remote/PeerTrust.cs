using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster;

namespace Akka.Remote;

/// <summary>Who a certificate says that the other end of a connection is.</summary>
/// <param name="Name">Common name; empty without TLS.</param>
/// <param name="Roles">Organizational units: what the authority has granted it.</param>
internal sealed record PeerIdentity(string Name, ImmutableSortedSet<string> Roles)
{
    private const string OrganizationalUnit = "2.5.4.11";

    public static readonly PeerIdentity Unknown = new("", []);

    public static PeerIdentity Of(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 known) return Unknown;
        var units = known.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(part => !part.HasMultipleElements
                && part.GetSingleElementType().Value == OrganizationalUnit)
            .Select(part => part.GetSingleElementValue() ?? "");
        return new PeerIdentity(
            known.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
            units.ToImmutableSortedSet(StringComparer.Ordinal));
    }
}

/// <summary>Holds peers to their certificates: a host is who it says, or it is refused.</summary>
/// <remarks>
/// On when <c>ssl.peer-name-role-prefix</c> is set. The role with that prefix that a member joins
/// with must carry its certificate's name, and so must the one of the member that welcomes it;
/// nobody may call from the address of a member with another name, nor say anything in the name
/// of an actor of another host. A certificate that names
/// organizational units grants only these of <c>ssl.granted-roles</c>.
/// </remarks>
internal sealed class PeerTrust(Remoting remoting)
{
    private readonly TlsSettings _settings = remoting.Settings.Tls;

    private bool IsOn =>
        remoting.Settings.IsTlsEnabled && _settings.PeerNameRolePrefix.Length > 0;

    /// <returns>Why the caller is not who has this address, or null.</returns>
    public string? ProblemOfCaller(PeerIdentity peer, Address caller)
    {
        if (!IsOn || !remoting.System.HasExtension<Cluster.Cluster>()) return null;
        var member = Cluster.Cluster.Get(remoting.System).State.Members
            .FirstOrDefault(one => one.Address == caller);
        return member is null || NameOf(member.Roles) is not { } name || name == peer.Name
            ? null
            : $"its certificate is of '{peer.Name}', and {caller} is '{name}'";
    }

    /// <returns>Why this peer may not say this, or null.</returns>
    public string? ProblemOfMessage(PeerIdentity peer, object message) => !IsOn
        ? null
        : message switch
        {
            Join join => ProblemOf(peer, join.Roles, "joins as"),
            Welcome welcome when welcome.Gossip.Find(welcome.From) is { } member =>
                ProblemOf(peer, member.Roles, "welcomes as"),
            _ => null,
        };

    /// <returns>In whose name a message pretends to be said, if not the peer's; or null.</returns>
    /// <param name="sender">Without address it is an actor of the peer; empty: nobody.</param>
    public string? ForgedNameOf(string sender, Address peer)
    {
        if (!IsOn || sender.Length == 0 || sender[0] == '/') return null;
        if (!ActorPath.TryParse(sender, out var path)) return "nobody it can name";
        return path.Address == peer ? null : path.Address.ToString();
    }

    private string? ProblemOf(PeerIdentity peer, IEnumerable<string> roles, string verb)
    {
        var claimed = roles.ToList();
        if (NameOf(claimed) != peer.Name)
            return $"its certificate is of '{peer.Name}', and it {verb} '{NameOf(claimed)}'";
        if (peer.Roles.IsEmpty) return null;
        var usurped = claimed.FirstOrDefault(role =>
            _settings.GrantedRoles.Contains(role) && !peer.Roles.Contains(role));
        return usurped is null
            ? null
            : $"its certificate does not grant the role '{usurped}' that it {verb}";
    }

    private string? NameOf(IEnumerable<string> roles) => roles
        .Where(role => role.StartsWith(_settings.PeerNameRolePrefix, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal).FirstOrDefault()?[_settings.PeerNameRolePrefix.Length..];
}
