using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands about bonds, in OVS's words (ovs-vswitchd(8)).</summary>
public static class BondCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("bond/list", "", 0, 0, _ => List(store));
        Add("bond/show", "[port]", 0, 1, arguments => Show(store, arguments));
        Add("bond/migrate", "port hash member", 3, 3, arguments => Migrate(store, arguments));
        Add("bond/hash", "mac [vlan] [basis]", 1, 3, Hash);
        foreach (var word in (string[])["member", "slave"])
        {
            Add($"bond/set-active-{word}", $"port {word}", 2, 2,
                arguments => Activate(store, arguments));
            Add($"bond/enable-{word}", $"port {word}", 2, 2,
                arguments => Enable(store, arguments, true));
            Add($"bond/disable-{word}", $"port {word}", 2, 2,
                arguments => Enable(store, arguments, false));
        }

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) =>
            commands.Register(
                name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    private static IEnumerable<(string Name, BondState Bond)> All(SwitchStore store) =>
        store.Bridges.SelectMany(bridge => bridge.Bonds)
            .OrderBy(each => each.Key, StringComparer.Ordinal)
            .Select(each => (each.Key, each.Value));

    private static BondState Find(SwitchStore store, string name)
    {
        foreach (var (each, bond) in All(store))
        {
            if (each == name) return bond;
        }

        throw new UnixctlException("no such bond");
    }

    private static BondState Find(SwitchStore store, string name, string member)
    {
        var bond = Find(store, name);
        return bond.HasMember(member) ? bond : throw new UnixctlException("no such member");
    }

    private static string NameOf(BondMode mode) => mode switch
    {
        BondMode.BalanceSlb => "balance-slb",
        BondMode.BalanceTcp => "balance-tcp",
        _ => "active-backup",
    };

    private static string List(SwitchStore store)
    {
        var text = new StringBuilder("bond\ttype\trecircID\tmembers\n");
        foreach (var (name, bond) in All(store))
        {
            var view = bond.View(store.Time.Milliseconds());
            var members = string.Join(", ", view.Members.Select(member => member.Name));
            text.Append(
                CultureInfo.InvariantCulture, $"{name}\t{NameOf(view.Mode)}\t0\t{members}\n");
        }

        return text.ToString();
    }

    private static string Show(SwitchStore store, ImmutableArray<string> arguments)
    {
        var now = store.Time.Milliseconds();
        var bonds = arguments.IsEmpty
            ? All(store).Select(each => each.Bond) : [Find(store, arguments[0])];
        return string.Concat(bonds.Select(bond => Text(bond.View(now))));
    }

    private static string Text(BondView bond)
    {
        var text = new StringBuilder();
        var isTcp = bond.Mode == BondMode.BalanceTcp;
        text.Append(CultureInfo.InvariantCulture, $"---- {bond.Name} ----\n");
        text.Append(CultureInfo.InvariantCulture, $"bond_mode: {NameOf(bond.Mode)}\n");
        text.Append("bond may use recirculation: no, Recirc-ID : -1\n");
        text.Append(CultureInfo.InvariantCulture, $"bond-hash-basis: {bond.HashBasis}\n");
        text.Append("lb_output action: disabled, bond-id: -1\n");
        if (bond.Mode == BondMode.BalanceSlb) text.Append("all members active: false\n");
        text.Append(CultureInfo.InvariantCulture, $"updelay: {bond.UpDelay} ms\n");
        text.Append(CultureInfo.InvariantCulture, $"downdelay: {bond.DownDelay} ms\n");
        if (bond.NextRebalance is { } next)
        {
            text.Append(CultureInfo.InvariantCulture, $"next rebalance: {next} ms\n");
        }

        text.Append("lacp_status: off\nlacp_fallback_ab: false\n");
        text.Append(
            CultureInfo.InvariantCulture, $"active-backup primary: {bond.Primary ?? "<none>"}\n");
        var active = bond.Members.FirstOrDefault(member => member.IsActive);
        text.Append(CultureInfo.InvariantCulture,
            $"active member mac: {active?.Mac ?? default}({active?.Name ?? "none"})\n\n");
        foreach (var member in bond.Members) Append(text, member, isTcp);
        return text.ToString();
    }

    private static void Append(StringBuilder text, BondMemberView member, bool isTcp)
    {
        var state = member.IsEnabled ? "enabled" : "disabled";
        text.Append(CultureInfo.InvariantCulture, $"member {member.Name}: {state}\n");
        if (member.IsActive) text.Append("  active member\n");
        if (member.ChangesInMilliseconds is { } wait)
        {
            var delay = member.IsEnabled ? "downdelay" : "updelay";
            text.Append(CultureInfo.InvariantCulture, $"  {delay} expires in {wait} ms\n");
        }

        var mayEnable = member.MayEnable ? "true" : "false";
        text.Append(CultureInfo.InvariantCulture, $"  may_enable: {mayEnable}\n");
        foreach (var (hash, bytes) in member.Loads)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"  hash {hash}: {bytes / 1024} kB load\n");
        }

        text.Append('\n');
    }

    private static string Activate(SwitchStore store, ImmutableArray<string> arguments) =>
        Find(store, arguments[0], arguments[1])
            .TryActivate(arguments[1], store.Time.Milliseconds())
            ? "done" : throw new UnixctlException("cannot make disabled member active");

    private static string Enable(
        SwitchStore store, ImmutableArray<string> arguments, bool isEnabled)
    {
        Find(store, arguments[0], arguments[1]).Enable(
            arguments[1], isEnabled, store.Time.Milliseconds());
        return isEnabled ? "enabled" : "disabled";
    }

    private static string Migrate(SwitchStore store, ImmutableArray<string> arguments)
    {
        var bond = Find(store, arguments[0]);
        if (bond.View(0).Mode != BondMode.BalanceSlb)
        {
            throw new UnixctlException("not an SLB bond");
        }

        if (!int.TryParse(arguments[1], out var hash)) throw new UnixctlException("bad hash");
        if (!bond.HasMember(arguments[2])) throw new UnixctlException("no such member");
        return bond.TryMigrate(hash, arguments[2])
            ? "migrated" : throw new UnixctlException("cannot migrate to disabled member");
    }

    private static string Hash(ImmutableArray<string> arguments)
    {
        var vlan = 0;
        var basis = 0u;
        if (arguments.Length > 1 && !int.TryParse(arguments[1], out vlan))
        {
            throw new UnixctlException("invalid vlan");
        }

        if (arguments.Length > 2 && !uint.TryParse(arguments[2], out basis))
        {
            throw new UnixctlException("invalid basis");
        }

        if (!MacBytes.TryParse(arguments[0], out var mac))
        {
            throw new UnixctlException("invalid mac");
        }

        var hash = FlowHash.Station(mac, (ushort)vlan, basis) & (BondState.HashCount - 1);
        return hash.ToString(CultureInfo.InvariantCulture);
    }
}
