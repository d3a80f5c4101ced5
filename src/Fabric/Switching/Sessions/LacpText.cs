using System.Text;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>lacp/show and lacp/show-stats.</summary>
internal static class LacpText
{
    public static string Of(string port, LacpSession session)
    {
        var settings = session.Settings;
        var text = new StringBuilder();
        text.Append($"---- {port} ----\n");
        text.Append($"  status: {(settings.IsActive ? "active" : "passive")}"
            + $"{(session.IsNegotiated ? " negotiated" : "")}\n");
        text.Append($"  sys_id: {session.SystemId}\n");
        text.Append($"  sys_priority: {settings.SystemPriority}\n");
        text.Append($"  aggregation key: {session.Key}\n");
        text.Append($"  lacp_time: {(settings.IsFast ? "fast" : "slow")}\n");
        foreach (var member in session.Members) Add(text, session, member);
        return text.ToString();
    }

    public static string CountsOf(string port, LacpSession session)
    {
        var text = new StringBuilder($"---- {port} statistics ----\n");
        foreach (var member in session.Members)
        {
            text.Append($"\nmember: {member.Interface}:\n  TX PDUs: {member.SentCount}\n");
            text.Append($"  RX PDUs: {member.HeardCount}\n  RX Bad PDUs: {member.BadCount}\n");
            text.Append("  RX Marker Request PDUs: 0\n"); // Markers are not told from others.
            text.Append($"  Link Expired: {member.ExpiredCount}\n");
            text.Append($"  Link Defaulted: {member.DefaultedCount}\n");
            text.Append($"  Carrier Status Changed: {member.CarrierCount}\n");
        }

        return text.ToString();
    }

    private static void Add(StringBuilder text, LacpSession session, LacpMember member)
    {
        text.Append($"\nmember: {member.Interface}: "
            + $"{member.Status.ToString().ToLowerInvariant()}"
            + $" {(member.IsAttached ? "attached" : "detached")}\n");
        text.Append($"  port_id: {member.PortId}\n");
        text.Append($"  port_priority: {member.Settings.PortPriority}\n");
        text.Append($"  may_enable: {(session.MayEnable(member) ? "true" : "false")}\n\n");
        Add(text, "actor", session.ActorOf(member));
        text.Append('\n');
        Add(text, "partner", member.Partner);
    }

    private static void Add(StringBuilder text, string who, in LacpInformation information)
    {
        text.Append($"  {who} sys_id: {information.System}\n");
        text.Append($"  {who} sys_priority: {information.SystemPriority}\n");
        text.Append($"  {who} port_id: {information.Port}\n");
        text.Append($"  {who} port_priority: {information.PortPriority}\n");
        text.Append($"  {who} key: {information.Key}\n");
        text.Append($"  {who} state:{NamesOf(information.State)}\n");
    }

    private static string NamesOf(LacpState state)
    {
        ReadOnlySpan<(LacpState Bit, string Name)> names =
        [
            (LacpState.Activity, "activity"), (LacpState.Timeout, "timeout"),
            (LacpState.Aggregation, "aggregation"),
            (LacpState.Synchronization, "synchronized"), (LacpState.Collecting, "collecting"),
            (LacpState.Distributing, "distributing"), (LacpState.Defaulted, "defaulted"),
            (LacpState.Expired, "expired"),
        ];
        var text = new StringBuilder();
        foreach (var (bit, name) in names)
        {
            if ((state & bit) != 0) text.Append(' ').Append(name);
        }

        return text.ToString();
    }
}
