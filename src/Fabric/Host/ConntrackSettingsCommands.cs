using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>Limits, switches and reassembly of the tracker, worded as dpctl words them.</summary>
internal static class ConntrackSettingsCommands
{
    public static void Register(Action<string, string, int, int, ConntrackCommand> add)
    {
        add("dpctl/ct-get-nconns", "[dp]", 0, 1,
            (connections, _, _) => Line($"{connections.Totals().Count}"));
        add("dpctl/ct-get-maxconns", "[dp]", 0, 1,
            (connections, _, _) => Line($"{connections.CountMax}"));
        add("dpctl/ct-set-maxconns", "[dp] maxconns", 1, 2, (connections, arguments, _) =>
        {
            connections.CountMax = Number(arguments, "maxconns missing or malformed");
            return "setting maxconns successful\n";
        });
        add("dpctl/ct-get-sweep-interval", "[dp]", 0, 1,
            (connections, _, _) => Line($"{(long)connections.SweepInterval.TotalMilliseconds}"));
        add("dpctl/ct-set-sweep-interval", "[dp] interval", 1, 2, (connections, arguments, _) =>
        {
            connections.SweepInterval = TimeSpan.FromMilliseconds(
                Number(arguments, "invalid sweep value"));
            return "setting sweep interval successful\n";
        });
        add("dpctl/ct-get-tcp-seq-chk", "[dp]", 0, 1, (connections, _, _) =>
            "TCP sequence checking: "
            + (connections.IsTcpSequenceChecked ? "enabled\n" : "disabled\n"));
        add("dpctl/ct-enable-tcp-seq-chk", "[dp]", 0, 1, (connections, _, _) =>
        {
            connections.IsTcpSequenceChecked = true;
            return "enabling TCP sequence checking successful\n";
        });
        add("dpctl/ct-disable-tcp-seq-chk", "[dp]", 0, 1, (connections, _, _) =>
        {
            connections.IsTcpSequenceChecked = false;
            return "disabling TCP sequence checking successful\n";
        });
        add("dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 2, GetLimits);
        add("conntrack/limits", "[zone=N1[,N2]...]", 0, 2, GetLimits);
        add("dpctl/ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, 64, SetLimits);
        add("dpctl/ct-del-limits", "[dp] zone=N1[,N2]...", 1, 2, (connections, arguments, _) =>
        {
            CheckZones(arguments);
            foreach (var zone in ZonesOf(arguments)) connections.SetLimit(zone, null);
            return "";
        });
        add("dpctl/ipf-get-status", "[dp]", 0, 1,
            (connections, arguments, _) => Status(connections)
                + (arguments.Contains("-m") || arguments.Contains("--more")
                    ? "\n        Fragment Lists:\n\n" : ""));
        add("dpctl/ipf-set-enabled", "[dp] v4|v6", 1, 2,
            (connections, arguments, _) => Enable(connections, arguments, true));
        add("dpctl/ipf-set-disabled", "[dp] v4|v6", 1, 2,
            (connections, arguments, _) => Enable(connections, arguments, false));
        add("dpctl/ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, SetSizeMin);
        add("dpctl/ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, (connections, arguments, _) =>
        {
            var count = Number(arguments, "parameter missing for maximum fragments");
            if (count > ConntrackFragments.CountMaxHighest)
            {
                throw new UnixctlException(
                    "setting maximum fragments failed (Operation not permitted)");
            }

            FragmentsOf(connections).CountMax = (int)count;
            return "setting maximum fragments successful\n";
        });
    }

    private static string GetLimits(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        CheckZones(arguments);
        var text = new StringBuilder();
        var limits = connections.Limits();
        var byDefault = limits.FirstOrDefault(limit => limit.Zone is null).Limit;
        text.Append(CultureInfo.InvariantCulture, $"default limit={byDefault}\n");
        var wanted = ZonesOf(arguments);
        foreach (var (zone, limit, count) in limits)
        {
            if (zone is null || (!wanted.IsEmpty && !wanted.Contains(zone.Value))) continue;
            text.Append(CultureInfo.InvariantCulture, $"zone={zone},limit={limit},count={count}\n");
        }

        foreach (var zone in wanted.Where(zone => limits.All(limit => limit.Zone != zone)))
        {
            var count = byDefault == 0 ? 0 : connections.CountSinceLimit(zone);
            text.Append(CultureInfo.InvariantCulture,
                $"zone={zone},limit={byDefault},count={count}\n");
        }

        return text.ToString();
    }

    private static string SetLimits(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        foreach (var argument in arguments)
        {
            if (argument.StartsWith("default=", StringComparison.Ordinal))
            {
                connections.SetLimit(null, uint.TryParse(argument[8..], out var limit)
                    ? limit
                    : throw Invalid("invalid default limit"));
            }
            else
            {
                SetLimit(connections, argument);
            }
        }

        return "";
    }

    /// <param name="text">zone=N,limit=L</param>
    private static void SetLimit(IDatapathConntrack connections, string text)
    {
        ushort? zone = null;
        uint? limit = null;
        foreach (var field in text.Split(','))
        {
            var equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw Invalid($"field {field} missing value");
            var (name, value) = (field[..equals], field[(equals + 1)..]);
            switch (name)
            {
                case "zone":
                    zone = ushort.TryParse(value, out var number) ? number : throw Unread(name);
                    break;
                case "limit":
                    limit = uint.TryParse(value, out var count) ? count : throw Unread(name);
                    break;
                default:
                    throw Invalid($"invalid zone limit field: {name}");
            }
        }

        if (zone is null || limit is null) throw Invalid("failed to parse zone limit");
        connections.SetLimit(zone, limit);

        static UnixctlException Unread(string name) => Invalid($"failed to parse field {name}");
    }

    private static void CheckZones(ImmutableArray<string> arguments)
    {
        var other = arguments.FirstOrDefault(
            each => !each.StartsWith("zone=", StringComparison.Ordinal));
        if (other is not null)
        {
            throw Invalid($"invalid argument {other}");
        }
    }

    private static ImmutableArray<ushort> ZonesOf(ImmutableArray<string> arguments) =>
    [
        .. arguments
            .Where(argument => argument.StartsWith("zone=", StringComparison.Ordinal))
            .SelectMany(argument => argument[5..].Split(',')).Select(ZoneOf),
    ];

    private static string Enable(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isEnabled)
    {
        FamilyOf(connections, arguments, "'").IsEnabled = isEnabled;
        return (isEnabled ? "enabling" : "disabling") + " fragmentation reassembly successful\n";
    }

    private static string SetSizeMin(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        var family = FamilyOf(connections, arguments, "");
        var size = Number(arguments, "parameter missing for minimum fragment size");
        if (size < ConntrackFragments.SizeMinLowest)
        {
            throw new UnixctlException("requested minimum fragment size too small; see "
                + "documentation (Operation not permitted)");
        }

        family.SizeMin = (int)Math.Min(size, 65_535);
        return "setting minimum fragment size successful\n";
    }

    private static string Status(IDatapathConntrack connections)
    {
        var fragments = FragmentsOf(connections);
        var text = new StringBuilder("        Fragmentation Module Status\n"
            + "        ---------------------------\n");
        Add($"v4 enabled: {(fragments.Ipv4.IsEnabled ? 1 : 0)}");
        Add($"v6 enabled: {(fragments.Ipv6.IsEnabled ? 1 : 0)}");
        Add($"max num frags (v4/v6): {fragments.CountMax}");
        Add($"num frag: {fragments.Count}");
        AddFamily("v4", fragments.Ipv4);
        AddFamily("v6", fragments.Ipv6);
        return text.ToString();

        void Add(FormattableString line) =>
            text.Append("        ").Append(FormattableString.Invariant(line)).Append('\n');

        void AddFamily(string name, ConntrackFragmentFamily family)
        {
            Add($"min {name} frag size: {family.SizeMin}");
            Add($"{name} frags accepted: {family.Accepted}");
            Add($"{name} frags completed: {family.Completed}");
            Add($"{name} frags expired: {family.ExpiredReceived}");
            Add($"{name} frags too small: {family.TooSmall}");
            Add($"{name} frags overlapped: {family.Overlapping}");
            Add($"{name} frags purged: {family.Purged}");
        }
    }

    /// <param name="quote">What dpctl's complaint has around the two words.</param>
    private static ConntrackFragmentFamily FamilyOf(
        IDatapathConntrack connections, ImmutableArray<string> arguments, string quote) =>
        arguments[0] switch
        {
            "v4" => FragmentsOf(connections).Ipv4,
            "v6" => FragmentsOf(connections).Ipv6,
            _ => throw Invalid(
                $"parameter missing: {quote}v4{quote} for IPv4 or {quote}v6{quote} for IPv6"),
        };

    private static ConntrackFragments FragmentsOf(IDatapathConntrack connections) =>
        connections.Fragments ?? throw new UnixctlException(
            "the datapath does not reassemble (Operation not supported)");

    private static uint Number(ImmutableArray<string> arguments, string complaint) =>
        !arguments.IsEmpty && uint.TryParse(arguments[^1], out var value)
            ? value
            : throw Invalid(complaint);

    private static ushort ZoneOf(string text) =>
        ushort.TryParse(text, out var zone) ? zone : throw Invalid("invalid zone");

    private static UnixctlException Invalid(string what) => new($"{what} (Invalid argument)");

    private static string Line(FormattableString text) => FormattableString.Invariant(text) + "\n";
}
