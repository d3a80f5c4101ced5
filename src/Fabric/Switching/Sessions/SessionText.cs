using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>Sessions as rows and as ovs-appctl show them.</summary>
public static class SessionText
{
    public static string Of(BfdState state) => state switch
    {
        BfdState.AdminDown => "admin_down",
        BfdState.Down => "down",
        BfdState.Init => "init",
        _ => "up",
    };

    public static string Of(BfdDiagnostic diagnostic) => diagnostic switch
    {
        BfdDiagnostic.None => "No Diagnostic",
        BfdDiagnostic.ControlDetectionTimeExpired => "Control Detection Time Expired",
        BfdDiagnostic.EchoFunctionFailed => "Echo Function Failed",
        BfdDiagnostic.NeighborSignaledSessionDown => "Neighbor Signaled Session Down",
        BfdDiagnostic.ForwardingPlaneReset => "Forwarding Plane Reset",
        BfdDiagnostic.PathDown => "Path Down",
        BfdDiagnostic.ConcatenatedPathDown => "Concatenated Path Down",
        BfdDiagnostic.AdministrativelyDown => "Administratively Down",
        BfdDiagnostic.ReverseConcatenatedPathDown => "Reverse Concatenated Path Down",
        _ => "Unknown Diagnostic",
    };

    /// <summary>Interface.bfd_status.</summary>
    public static ImmutableSortedDictionary<string, string> StatusOf(BfdSession session) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
        [
            KeyValuePair.Create("forwarding", Of(session.IsForwarding)),
            KeyValuePair.Create("state", Of(session.State)),
            KeyValuePair.Create("diagnostic", Of(session.Diagnostic)),
            KeyValuePair.Create("flap_count", Of(session.FlapCount)),
            KeyValuePair.Create("remote_state", Of(session.RemoteState)),
            KeyValuePair.Create("remote_diagnostic", Of(session.RemoteDiagnostic)),
        ]);

    /// <summary>bfd/show, without the line that names the interface.</summary>
    public static string Of(BfdSession session, long now)
    {
        var text = new StringBuilder();
        Line("Forwarding", Of(session.IsForwarding));
        Line("Detect Multiplier", $"{session.Settings.Multiplier}");
        Line("Concatenated Path Down", Of(session.Settings.IsPathDown));
        Line("TX Interval", $"Approx {session.TxInterval}ms");
        Line("RX Interval", $"Approx {session.RxInterval}ms");
        Line("Detect Time", $"now {Signed(session.DetectAt - now)}ms");
        Line("Next TX Time", $"now {Signed(session.NextTx - now)}ms");
        Line("Last TX Time", $"now {Signed(session.LastTx - now)}ms");
        text.Append('\n');
        Line("Local Flags", session.IsPolling ? "poll" : "none");
        Line("Local Session State", Of(session.State));
        Line("Local Diagnostic", Of(session.Diagnostic));
        Line("Local Discriminator", $"0x{session.Discriminator:x}");
        Line("Local Minimum TX Interval", $"{session.MinTxNow}ms");
        Line("Local Minimum RX Interval", $"{session.MinRx}ms");
        text.Append('\n');
        Line("Remote Flags", FlagsOf(session));
        Line("Remote Session State", Of(session.RemoteState));
        Line("Remote Diagnostic", Of(session.RemoteDiagnostic));
        Line("Remote Discriminator", $"0x{session.RemoteDiscriminator:x}");
        Line("Remote Minimum TX Interval", $"{session.RemoteMinTx}ms");
        Line("Remote Minimum RX Interval", $"{session.RemoteMinRx}ms");
        Line("Remote Detect Multiplier", $"{session.RemoteMultiplier}");
        return text.ToString();

        void Line(string name, string value) =>
            text.Append("  ").Append(name).Append(": ").Append(value).Append('\n');
    }

    /// <summary>The columns of an Interface row that CFM writes.</summary>
    public static ImmutableArray<ColumnValue> ColumnsOf(CfmSession session) =>
    [
        new("cfm_fault", session.Faults != CfmFaults.None),
        new("cfm_fault_status", Datum.Strings(NamesOf(session.Faults))),
        new("cfm_flap_count", session.FlapCount),
        new("cfm_health", session.Health is { } health ? (Datum)health : Datum.EmptySet),
        new("cfm_remote_mpids", Datum.Integers(
            session.RemoteEndPoints.Select(each => (long)each))),
        new("cfm_remote_opstate", !session.Settings.IsExtended ? Datum.EmptySet
            : session.IsRemoteOperational ? (Datum)"up" : "down"),
    ];

    /// <summary>The same when there is no CFM.</summary>
    public static ImmutableArray<ColumnValue> NoCfm { get; } =
    [
        new("cfm_fault", Datum.EmptySet), new("cfm_fault_status", Datum.EmptySet),
        new("cfm_flap_count", Datum.EmptySet), new("cfm_health", Datum.EmptySet),
        new("cfm_remote_mpids", Datum.EmptySet), new("cfm_remote_opstate", Datum.EmptySet),
    ];

    /// <summary>cfm/show, without the line that names the interface.</summary>
    public static string Of(CfmSession session, long now)
    {
        var settings = session.Settings;
        var text = new StringBuilder();
        text.Append($"MPID {settings.EndPoint}:{(settings.IsExtended ? " extended" : "")}"
            + $"{(session.FaultOverride is null ? "" : " fault_override")}\n");
        var faults = NamesOf(session.Faults);
        if (faults.Length > 0) text.Append($"  fault: {string.Join(' ', faults)} \n");
        text.Append("  average health: "
            + $"{(session.Health is { } health ? Of(health) : "undefined")}\n");
        text.Append($"  opstate: {Operational(settings.IsOperational)}\n");
        text.Append($"  remote_opstate: {Operational(session.IsRemoteOperational)}\n");
        text.Append($"  interval: {settings.Interval}ms\n");
        text.Append($"  next CCM tx: {session.NextTx - now}ms\n");
        text.Append($"  next fault check: {session.NextCheck - now}ms\n");
        foreach (var remote in session.Remotes)
        {
            text.Append($"Remote MPID {remote.EndPoint}\n");
            text.Append($"  recv since check: {Of(remote.WasHeard)}\n");
            text.Append($"  opstate: {Operational(remote.IsOperational)}\n");
        }

        return text.ToString();
    }

    private static string Operational(bool isUp) => isUp ? "up" : "down";

    private static string[] NamesOf(CfmFaults faults)
    {
        ReadOnlySpan<(CfmFaults Fault, string Name)> names =
        [
            (CfmFaults.Receive, "recv"), (CfmFaults.Remote, "rdi"),
            (CfmFaults.Association, "maid"), (CfmFaults.Loopback, "loopback"),
            (CfmFaults.Overflow, "overflow"), (CfmFaults.Override, "override"),
            (CfmFaults.Interval, "interval"),
        ];
        var found = new List<string>();
        foreach (var (fault, name) in names)
        {
            if ((faults & fault) != 0) found.Add(name);
        }

        return [.. found];
    }

    private static string FlagsOf(BfdSession session)
    {
        if (session.RemoteDiscriminator == 0) return "none";
        var words = new List<string>();
        if (session.Remote.IsDemand) words.Add("demand");
        if (session.Remote.IsControlPlaneIndependent) words.Add("ctl");
        if (session.Remote.IsFinal) words.Add("final");
        if (session.Remote.IsPoll) words.Add("poll");
        return words.Count == 0 ? "none" : string.Join(' ', words);
    }

    private static string Of(bool value) => value ? "true" : "false";

    private static string Of(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Signed(long value) =>
        value.ToString("+0;-0;+0", CultureInfo.InvariantCulture);
}
