using Fabric.HostNode.Windows;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>A Hyper-V host as WMI describes it: two machines, a switch, an uplink.</summary>
/// <remarks>
/// Objects have the shape that the documentation of root\virtualization\v2 gives them.
/// Changes by methods are carried out on the recording, so that later queries show them.
/// </remarks>
/// <param name="extension">Number in <see cref="WmiVirtualSwitchHost.ExtensionIds"/>.</param>
internal sealed class RecordedWmi(int extension = 0) : IWmiSession
{
    public const string Switch = "11111111-0000-0000-0000-000000000001";
    public const string Web = "22222222-0000-0000-0000-000000000001";
    public const string Database = "22222222-0000-0000-0000-000000000002";
    public const string WebNic = $"Microsoft:{Web}\\AAAA";
    public const string DatabaseNic = $"Microsoft:{Database}\\BBBB";

    private readonly Dictionary<string, List<WmiObject>> _classes = new()
    {
        ["Msvm_VirtualEthernetSwitch"] = [Of("switch", ("Name", Switch), ("ElementName", "vs0"))],
        ["Msvm_EthernetSwitchExtension"] =
        [
            Of("extension", ("Name", $"{{{WmiVirtualSwitchHost.ExtensionIds[extension]}}}"),
                ("SystemName", Switch), ("EnabledState", (ushort)3)),
        ],
        ["Msvm_ComputerSystem"] =
        [
            Of("host", ("Name", "HV1"), ("ElementName", "HV1")),
            Of("web", ("Name", Web), ("ElementName", "Web 1")),
            Of("db", ("Name", Database), ("ElementName", "db")),
        ],
        ["Msvm_SyntheticEthernetPortSettingData"] =
        [
            Of("", ("InstanceID", WebNic), ("Address", "00155D000001")),
            Of("", ("InstanceID", DatabaseNic), ("Address", "00155D000002")),
        ],
        ["Msvm_EmulatedEthernetPortSettingData"] = [],
        ["Msvm_EthernetPortAllocationSettingData"] =
        [
            Of("port-web", ("InstanceID", WebNic + "\\C"), ("ElementName", "Network Adapter"),
                ("HostResource", SwitchPath()), ("EnabledState", (ushort)2)),
            Of("port-db", ("InstanceID", DatabaseNic + "\\C"), ("ElementName", "Network Adapter"),
                ("HostResource", SwitchPath()), ("EnabledState", (ushort)2)),
            Of("port-up", ("InstanceID", $"Microsoft:{Switch}\\UUUU"), ("ElementName", "Ethernet0"),
                ("HostResource", (string[])["\\\\HV1\\root:Msvm_ExternalEthernetPort.Name=\"x\""]),
                ("EnabledState", (ushort)2)),
        ],
        ["Msvm_VirtualSystemManagementService"] = [Of("machines")],
        ["Msvm_VirtualEthernetSwitchManagementService"] = [Of("switching")],
        ["Msvm_VirtualEthernetSwitchSettingData"] =
            [Of("switch-settings", ("VirtualSystemIdentifier", Switch))],
    };

    private readonly Dictionary<string, WmiObject> _texts = [];
    private Action? _changed;

    /// <summary>What every call says while it is set.</summary>
    public string? Refusal { get; set; }

    public List<string> Invoked { get; } = [];

    /// <summary>Another uplink of the switch: a member of a team, or a NIC beside it.</summary>
    public void AddUplink(string name, string mac) =>
        _classes["Msvm_EthernetPortAllocationSettingData"].Add(Of(
            name, ("InstanceID", $"Microsoft:{Switch}\\{name}"), ("ElementName", name),
            ("HostResource", (string[])["\\\\HV1\\root:Msvm_ExternalEthernetPort.Name=\"y\""]),
            ("Address", mac), ("EnabledState", (ushort)2)));

    public void Change() => _changed?.Invoke();

    public void Remove(string path)
    {
        foreach (var list in _classes.Values) list.RemoveAll(item => item.Path == path);
    }

    public IReadOnlyList<WmiObject> Query(string wql)
    {
        if (Refusal is { } text) throw new WmiException(text);
        var name = wql[(wql.IndexOf("FROM ", StringComparison.Ordinal) + 5)..].Split(' ')[0];
        return [.. _classes[name]];
    }

    public string Text(WmiObject changed)
    {
        var text = $"<INSTANCE {_texts.Count}>";
        _texts[text] = changed;
        return text;
    }

    public WmiObject Create(string className) => Of("", ("__CLASS", className));

    public uint Invoke(
        WmiObject target, string method, IReadOnlyDictionary<string, object> parameters)
    {
        Invoked.Add($"{target.Path}.{method}");
        var ports = _classes["Msvm_EthernetPortAllocationSettingData"];
        switch (method)
        {
            case "ModifyResourceSettings":
                var modified = _texts[((string[])parameters["ResourceSettings"])[0]];
                ports[ports.FindIndex(port => port.Path == modified.Path)] = modified;
                return 4096;
            case "AddResourceSettings":
                var added = _texts[((string[])parameters["ResourceSettings"])[0]];
                ports.Add(Of("port-" + added.Text("ElementName"),
                    ("InstanceID", $"Microsoft:{Switch}\\{added.Text("ElementName")}"),
                    ("ElementName", added.Text("ElementName")), ("EnabledState", (ushort)2)));
                return 4096;
            case "RemoveResourceSettings":
                Remove(((string[])parameters["ResourceSettings"])[0]);
                return 4096;
            case "RequestStateChange":
                _classes["Msvm_EthernetSwitchExtension"][0] = Of("extension",
                    ("Name", target.Text("Name")), ("SystemName", Switch),
                    ("EnabledState", parameters["RequestedState"]));
                return 0;
            default:
                return 32773;
        }
    }

    public IDisposable Watch(string wql, Action changed)
    {
        _changed = changed;
        return new StringReader("");
    }

    public void Dispose()
    {
    }

    private static string[] SwitchPath() =>
        [$"\\\\HV1\\root:Msvm_VirtualEthernetSwitch.CreationClassName=\"x\",Name=\"{Switch}\""];

    private static WmiObject Of(string path, params (string Name, object? Value)[] properties) =>
        new(path, properties.ToDictionary(each => each.Name, each => each.Value));
}
