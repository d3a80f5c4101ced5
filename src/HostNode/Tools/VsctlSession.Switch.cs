using System.Globalization;
using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <content>
/// Bridges inside of bridges, bonds, controllers, managers and certificates. A fake bridge is a
/// port with fake_bridge set: the VLAN of its tag, with all ports that have the same.
/// </content>
internal sealed partial class VsctlSession
{
    private const string FakePrefix = "fake-bridge-";

    private int? RunSwitch(string[] words, HashSet<string> options)
    {
        switch (words)
        {
            case ["add-br", var name, var parent, var vlan]:
                return AddFakeBridge(name, parent, vlan, options.Contains("--may-exist"));
            case ["add-br", _, _]:
                throw new ToolException("'add-br' command takes exactly 1 or 3 arguments");
            case ["br-to-vlan", var name]: return PrintLine($"{NeedBridge(name).Vlan}");
            case ["br-to-parent", var name]: return PrintLine(NeedBridge(name).Row.Name!);
            case ["br-set-external-id", var name, var key, .. var value]:
                return SetExternalId(NeedBridge(name), key, value.FirstOrDefault());
            case ["br-get-external-id", var name, .. var key]:
                return GetExternalIds(NeedBridge(name), key.FirstOrDefault());
            case ["list-ifaces", var name]:
                return Print(NeedBridge(name).Ports.SelectMany(InterfacesOf)
                    .Select(face => face.Name!).Where(face => face != name));
            case ["iface-to-br", var name]: return PrintLine(BridgeOfInterface(name));
            case ["add-bond", var name, var port, .. var rest]:
                return AddBond(name, port, rest, options);
            case ["get-controller", var name]:
                return Print(TargetsOf("Controller", NeedBridge(name).Row, "controller"));
            case ["del-controller", var name]:
                return SetTargets(NeedBridge(name).Row, "controller", "Controller", []);
            case ["set-controller", var name, .. var targets]:
                return SetTargets(NeedBridge(name).Row, "controller", "Controller", targets);
            case ["get-manager"]:
                return Print(TargetsOf("Manager", _root, "manager_options"));
            case ["del-manager"]: return SetTargets(_root, "manager_options", "Manager", []);
            case ["set-manager", .. var targets]:
                return SetTargets(_root, "manager_options", "Manager", targets);
            case ["get-fail-mode", var name]: return GetFailMode(NeedBridge(name).Row);
            case ["del-fail-mode", var name]:
                NeedBridge(name).Row.Set("fail_mode", EmptySet());
                return ExitCode.Ok;
            case ["set-fail-mode", var name, var mode]:
                return SetFailMode(NeedBridge(name).Row, mode);
            case ["get-ssl"]: return GetSsl();
            case ["del-ssl"]:
                _root.Set("ssl", EmptySet());
                return ExitCode.Ok;
            case ["set-ssl", var key, var certificate, var authority]:
                return SetSsl(key, certificate, authority, options.Contains("--bootstrap"));
            case ["emer-reset"]: return Reset();
            default: return null;
        }
    }

    /// <summary>A bridge of its own, or a VLAN of another one.</summary>
    /// <param name="Row">The real bridge.</param>
    /// <param name="Fake">The port that makes it a bridge; null: it is real.</param>
    private sealed record BridgeView(
        VsctlRow Row, VsctlRow? Fake, long Vlan, IReadOnlyList<VsctlRow> Ports);

    private BridgeView? FindBridge(string name)
    {
        if (model.Find("Bridge", name) is { } real)
        {
            var fakes = PortsOf(real).Where(IsFake).Select(TagOf).ToHashSet();
            return new(
                real, null, 0,
                [.. PortsOf(real).Where(port => TagOf(port) is var tag
                    && !IsFake(port) && (tag == 0 || !fakes.Contains(tag)))]);
        }

        foreach (var parent in model.Rows("Bridge"))
        {
            var fake = PortsOf(parent).FirstOrDefault(port => IsFake(port) && port.Name == name);
            if (fake is null) continue;
            return new(
                parent, fake, TagOf(fake),
                [.. PortsOf(parent).Where(port => !IsFake(port) && TagOf(port) == TagOf(fake))]);
        }

        return null;
    }

    private BridgeView NeedBridge(string name) =>
        FindBridge(name) ?? throw new ToolException($"no bridge named {name}");

    private IEnumerable<string> BridgeNames(bool real, bool fake) => model.Rows("Bridge")
        .SelectMany(bridge => (real ? new[] { bridge } : [])
            .Concat(fake ? PortsOf(bridge).Where(IsFake) : []))
        .Select(row => row.Name!);

    private static bool IsFake(VsctlRow port) =>
        (port.Columns["fake_bridge"] as JsonValue)?.TryGetValue(out bool isFake) == true && isFake;

    private static long TagOf(VsctlRow port) =>
        (port.Columns["tag"] as JsonValue)?.TryGetValue(out long tag) == true ? tag : 0;

    private int AddFakeBridge(string name, string parent, string vlan, bool mayExist)
    {
        if (!int.TryParse(vlan, CultureInfo.InvariantCulture, out var tag) || tag is < 0 or > 4095)
        {
            throw new ToolException("add-br: vlan must be between 0 and 4095");
        }

        if (mayExist && FindBridge(name) is { } present)
        {
            return present.Fake is not null && present.Row.Name == parent && present.Vlan == tag
                ? ExitCode.Ok
                : throw new ToolException($"\"--may-exist add-br {name} {parent} {vlan}\" but "
                    + $"{name} is not that bridge");
        }

        NeedNoBridge(name);
        if (model.Find("Bridge", parent) is not { } real)
        {
            throw new ToolException(FindBridge(parent) is null
                ? $"parent bridge {parent} does not exist"
                : "cannot create bridge with fake bridge as parent");
        }

        var face = model.Insert(
            "Interface", new JsonObject { ["name"] = name, ["type"] = "internal" });
        var port = model.Insert("Port", new JsonObject
        {
            ["name"] = name, ["fake_bridge"] = true, ["tag"] = tag,
        });
        port.AddReference("interfaces", face);
        real.AddReference("ports", port);
        return ExitCode.Ok;
    }

    private void NeedNoBridge(string name)
    {
        if (FindBridge(name) is not null)
        {
            throw new ToolException($"cannot create a bridge named {name} because a bridge named "
                + $"{name} already exists");
        }

        if (model.Find("Port", name) is { } port)
        {
            throw new ToolException($"cannot create a bridge named {name} because a port named "
                + $"{name} already exists on bridge {BridgeOf(port).Name}");
        }
    }

    private int AddBond(string bridge, string name, string[] rest, HashSet<string> options)
    {
        var faces = rest.TakeWhile(word => !word.Contains('=', StringComparison.Ordinal)).ToArray();
        var view = NeedBridge(bridge);
        if (model.Find("Port", name) is { } present)
        {
            var same = InterfacesOf(present).Select(face => face.Name!)
                .SequenceEqual(faces.Order(StringComparer.Ordinal));
            return options.Contains("--may-exist") && same
                ? ExitCode.Ok
                : throw new ToolException($"cannot create a port named {name} because a port "
                    + $"named {name} already exists on bridge {BridgeOf(present).Name}");
        }

        var port = model.Insert("Port", new JsonObject { ["name"] = name });
        foreach (var face in faces)
        {
            port.AddReference(
                "interfaces", model.Insert("Interface", new JsonObject { ["name"] = face }));
        }

        if (options.Contains("--fake-iface")) port.Set("bond_fake_iface", true);
        if (view.Fake is not null) port.Set("tag", view.Vlan);
        foreach (var setting in rest[faces.Length..]) Set(port, setting);
        view.Row.AddReference("ports", port);
        return ExitCode.Ok;
    }

    private string BridgeOfInterface(string name)
    {
        var port = model.Rows("Port").FirstOrDefault(
            each => InterfacesOf(each).Any(face => face.Name == name));
        return port is null
            ? throw new ToolException($"no interface named {name}")
            : NameOfBridge(port);
    }

    /// <summary>The bridge that a port is listed under: a fake one where its tag says so.</summary>
    private string NameOfBridge(VsctlRow port)
    {
        var bridge = BridgeOf(port);
        var fake = TagOf(port) == 0 || IsFake(port)
            ? null
            : PortsOf(bridge).FirstOrDefault(each => IsFake(each) && TagOf(each) == TagOf(port));
        return IsFake(port) ? port.Name! : (fake ?? bridge).Name!;
    }

    private int SetExternalId(BridgeView bridge, string key, string? value)
    {
        var (row, name) = bridge.Fake is { } fake ? (fake, FakePrefix + key) : (bridge.Row, key);
        var entries = Entries(row, "external_ids").Where(entry => (string?)entry[0] != name);
        SetEntries(
            row, "external_ids",
            value is null ? entries : [.. entries, new JsonArray(name, value)]);
        return ExitCode.Ok;
    }

    private int GetExternalIds(BridgeView bridge, string? key)
    {
        var prefix = bridge.Fake is null ? "" : FakePrefix;
        var ids = Entries(bridge.Fake ?? bridge.Row, "external_ids")
            .Select(entry => (Key: (string)entry[0]!, Value: (string)entry[1]!))
            .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(entry => (Key: entry.Key[prefix.Length..], entry.Value));
        return Print(key is null
            ? ids.Select(each => $"{each.Key}={each.Value}")
            : ids.Where(each => each.Key == key).Select(each => each.Value));
    }

    private IEnumerable<string> TargetsOf(string table, VsctlRow row, string column) =>
        model.Follow(table, row.References(column)).Select(each => (string)each.Columns["target"]!);

    /// <summary>Nothing leads to the old rows any more: the server takes them away.</summary>
    private int SetTargets(VsctlRow row, string column, string table, string[] targets)
    {
        row.Set(column, EmptySet());
        foreach (var target in targets.Distinct(StringComparer.Ordinal))
        {
            row.AddReference(
                column, model.Insert(table, new JsonObject { ["target"] = target }));
        }

        return ExitCode.Ok;
    }

    private int GetFailMode(VsctlRow bridge) =>
        bridge.Columns["fail_mode"] is JsonValue mode ? PrintLine((string)mode!) : ExitCode.Ok;

    private static int SetFailMode(VsctlRow bridge, string mode)
    {
        if (mode is not ("standalone" or "secure"))
        {
            throw new ToolException("fail-mode must be \"standalone\" or \"secure\"");
        }

        bridge.Set("fail_mode", mode);
        return ExitCode.Ok;
    }

    private int GetSsl()
    {
        if (model.Follow("SSL", _root.References("ssl")).FirstOrDefault() is not { } ssl)
        {
            return ExitCode.Ok;
        }

        var isBootstrap = (bool)ssl.Columns["bootstrap_ca_cert"]!;
        return PrintLine($"Private key: {ssl.Columns["private_key"]}\n"
            + $"Certificate: {ssl.Columns["certificate"]}\n"
            + $"CA Certificate: {ssl.Columns["ca_cert"]}\n"
            + $"Bootstrap: {(isBootstrap ? "true" : "false")}");
    }

    private int SetSsl(string key, string certificate, string authority, bool isBootstrap)
    {
        var ssl = model.Insert("SSL", new JsonObject
        {
            ["private_key"] = key, ["certificate"] = certificate, ["ca_cert"] = authority,
            ["bootstrap_ca_cert"] = isBootstrap,
        });
        _root.Set("ssl", ssl.Id.DeepClone());
        return ExitCode.Ok;
    }

    /// <summary>What is no networking goes: controllers, managers, mirrors...</summary>
    private int Reset()
    {
        foreach (var bridge in model.Rows("Bridge"))
        {
            foreach (var column in (string[])
                ["controller", "fail_mode", "mirrors", "netflow", "sflow", "ipfix"])
            {
                bridge.Set(column, EmptySet());
            }
        }

        foreach (var table in (string[])
            ["Bridge", "Port", "Interface", "QoS", "Queue", "Open_vSwitch"])
        {
            foreach (var row in model.Rows(table))
            {
                if (row.Columns["other_config"] is null) continue;
                var kept = Entries(row, "other_config")
                    .Where(entry => table == "Bridge" && (string?)entry[0] == "hwaddr");
                SetEntries(row, "other_config", [.. kept]);
            }
        }

        _root.Set("manager_options", EmptySet());
        _root.Set("ssl", EmptySet());
        return ExitCode.Ok;
    }

    private static JsonArray EmptySet() => new("set", new JsonArray());

    private int PrintLine(string text)
    {
        _output.WriteLine(text);
        return ExitCode.Ok;
    }
}
