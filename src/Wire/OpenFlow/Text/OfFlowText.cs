using System.Globalization;
using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Whole flows as ovs-ofctl writes them in dump-flows and reads them in add-flow.
/// </summary>
public static class OfFlowText
{
    private static readonly (string Name, FlowModFlags Flag)[] Flags =
    [
        ("send_flow_rem", FlowModFlags.SendFlowRemoved),
            ("check_overlap", FlowModFlags.CheckOverlap),
        ("reset_counts", FlowModFlags.ResetCounts),
            ("no_packet_counts", FlowModFlags.NoPacketCounts),
        ("no_byte_counts", FlowModFlags.NoByteCounts),
            ("allow_hidden_fields", FlowModFlags.HiddenFields),
        ("no_readonly_table", FlowModFlags.NoReadonlyFields),
    ];

    /// <summary>Keys that dump-flows prints and add-flow therefore passes over.</summary>
    private static readonly string[] Ignored =
        ["duration", "n_packets", "n_bytes", "idle_age", "hard_age"];

    /// <summary>A line of dump-flows, without the leading blank.</summary>
    /// <param name="withStats">False: as ovs-ofctl --no-stats prints it.</param>
    public static string Format(OfFlowStats flow, bool withStats = true)
    {
        var text = new StringBuilder();
        void Add(string part) => text.Append(part).Append(", ");
        if (withStats || flow.Cookie != 0) Add($"cookie=0x{flow.Cookie:x}");
        if (withStats) Add("duration=" + Duration(flow.Duration));
        if (withStats || flow.TableId != 0) Add(Invariant($"table={flow.TableId}"));
        if (withStats && flow.PacketCount != ulong.MaxValue)
            Add(Invariant($"n_packets={flow.PacketCount}"));
        if (withStats && flow.ByteCount != ulong.MaxValue)
            Add(Invariant($"n_bytes={flow.ByteCount}"));
        if (flow.IdleTimeout != 0) Add(Invariant($"idle_timeout={flow.IdleTimeout}"));
        if (flow.HardTimeout != 0) Add(Invariant($"hard_timeout={flow.HardTimeout}"));
        foreach (var (name, flag) in Flags)
        {
            if ((flow.Flags & flag) != 0) text.Append(name).Append(' ');
        }

        if (flow.Importance != 0) Add(Invariant($"importance={flow.Importance}"));
        if (withStats && flow.IdleAge is { } idle) Add(Invariant($"idle_age={idle}"));
        if (withStats && flow.HardAge is { } hard && hard != (int)flow.Duration.TotalSeconds)
            Add(Invariant($"hard_age={hard}"));
        text.Append(FormatRule(flow.Priority, flow.Match));
        if (text.Length > 0 && text[^1] != ' ') text.Append(' ');
        return text.Append("actions=").Append(OfActionText.Format(flow.Actions)).ToString();
    }

    /// <summary>"priority=5,ip,nw_src=..."; the default priority is not written.</summary>
    public static string FormatRule(ushort priority, Match match)
    {
        var rule = OfMatchText.Format(match);
        if (priority == FlowMod.DefaultPriority) return rule;
        return Invariant($"priority={priority}") + (rule.Length > 0 ? "," + rule : "");
    }

    /// <summary>A flow-mod as add-flow would read it.</summary>
    public static string Format(FlowMod mod)
    {
        var flow =
            new OfFlowStats(mod.TableId, mod.Match, mod.Priority, mod.Cookie, mod.Actions, default,
            mod.IdleTimeout, mod.HardTimeout, null, null, ulong.MaxValue, ulong.MaxValue, mod.Flags,
                mod.Importance);
        return Format(flow, withStats: false);
    }

    /// <summary>Seconds with as many decimals as are not zero, at most 3: "1.108s".</summary>
    public static string Duration(TimeSpan duration) =>
        (duration.Ticks / TimeSpan.TicksPerMillisecond / 1000m).ToString("0.###",
            CultureInfo.InvariantCulture) + "s";

    /// <summary>Reads one line of add-flow, mod-flows or del-flows.</summary>
    /// <param name="command">What the flow is read for: deletions need no actions.</param>
    /// <param name="error">What is wrong, when this returns false.</param>
    public static bool TryParse(string text, FlowModCommand command, out FlowMod mod,
        out string error)
    {
        var isDelete = command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;
        mod = new FlowMod(command, Match.Any, FlowMod.DefaultPriority, ActionList.Empty)
        {
            TableId = command == FlowModCommand.Add ? (byte)0 : FlowMod.AllTables,
        };
        var actions = ActionList.Empty;
        var actionsAt = text.IndexOf("actions=", StringComparison.Ordinal);
        if (actionsAt < 0) actionsAt = text.IndexOf("action=", StringComparison.Ordinal);
        if (actionsAt >= 0)
        {
            var list = text[(text.IndexOf('=', actionsAt) + 1)..];
            if (!OfActionText.TryParse(list, out actions, out error)) return false;
            text = text[..actionsAt];
        }
        else if (!isDelete)
        {
            error = "must specify an action";
            return false;
        }

        var builder = new MatchBuilder();
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            if (TryFlowKey(key, value, ref mod, out error)) continue;
            if (error.Length > 0) return false;
            if (OfMatchText.TryAdd(builder, key, value, out error)) continue;
            if (error.Length == 0) error = $"unknown keyword {key}";
            return false;
        }

        error = splitter.Error;
        if (error.Length > 0 || !OfMatchText.TryBuild(builder, out var match, out error))
            return false;
        if (isDelete) actions = ActionList.Empty;
        mod = mod with { Match = match, Actions = actions };
        var code = ActionRules.ErrorOf(match, actions, mod.TableId, isVersion10: true);
        if (code != OfErrorCode.None)
            error = $"actions are invalid with specified match ({OfError.NameOf(code)})";
        return code == OfErrorCode.None;
    }

    /// <summary>
    /// Keys that are about the flow, not about packets; error "" and false: none of them.
    /// </summary>
    private static bool TryFlowKey(string key, string? value, ref FlowMod mod, out string error)
    {
        error = "";
        foreach (var (name, flag) in Flags)
        {
            if (key != name || value is not null) continue;
            mod = mod with { Flags = mod.Flags | flag };
            return true;
        }

        if (Array.IndexOf(Ignored, key) >= 0) return true;
        if (key == "cookie") return TryCookie(value ?? "", ref mod, out error);
        if (key is not (
            "table" or "priority" or "idle_timeout" or "hard_timeout" or "importance"
            or "out_port" or "out_group"))
            return false;
        if (key == "out_port" && OfPort.TryParse(value, out var port))
        {
            mod = mod with { OutPort = port };
            return true;
        }

        if (!OfFieldText.TryNumber(value, out var n)
            || n > (key == "table" ? 255u : key == "out_group" ? uint.MaxValue : ushort.MaxValue))
        {
            error = $"invalid {key} \"{value}\"";
            return false;
        }

        mod = key switch
        {
            "table" => mod with { TableId = (byte)n },
            "priority" => mod with { Priority = (ushort)n },
            "idle_timeout" => mod with { IdleTimeout = (ushort)n },
            "hard_timeout" => mod with { HardTimeout = (ushort)n },
            "importance" => mod with { Importance = (ushort)n },
            _ => mod with { OutGroup = (uint)n },
        };
        return true;
    }

    /// <summary>"cookie=C" gives a cookie; "cookie=C/MASK" chooses flows by theirs.</summary>
    private static bool TryCookie(string value, ref FlowMod mod, out string error)
    {
        error = "";
        var parts = value.Split('/');
        UInt128 mask = ulong.MaxValue;
        if (!OfFieldText.TryNumber(parts[0], out var cookie)
            || (parts.Length > 1 && parts[1] != "-1" && !OfFieldText.TryNumber(parts[1], out mask)))
        {
            error = $"invalid cookie \"{value}\"";
            return false;
        }

        if (parts.Length > 1)
        {
            if (mod.Command == FlowModCommand.Add)
            {
                error = "cannot set cookie mask when adding flows";
                return false;
            }

            mod = mod with { CookieMatch = (ulong)(cookie & mask), CookieMask = (ulong)mask };
        }
        else
        {
            mod = mod
                with
            {
                Cookie = (ulong)cookie,
                ModifyCookie =
                mod.Command is FlowModCommand.Modify or FlowModCommand.ModifyStrict
            };
        }

        return true;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
