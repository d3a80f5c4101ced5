using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Fabric.HostNode.Windows;

/// <summary>Hyper-V's virtual switches through WMI, namespace root\virtualization\v2.</summary>
/// <remarks>
/// Msvm_VirtualEthernetSwitch: switches. Msvm_EthernetPortAllocationSettingData: the connection
/// of a NIC to a switch, whose ElementName is the port's friendly name and whose HostResource is
/// the switch. The setting of the NIC itself (Msvm_SyntheticEthernetPortSettingData) has the MAC
/// address; both InstanceIDs begin with the machine's GUID.
/// </remarks>
internal sealed partial class WmiVirtualSwitchHost : IVirtualSwitchHost
{
    public const string Namespace = @"root\virtualization\v2";

    /// <summary>Extensions with our contract: OVSEXT, and our own (driver/hyperv).</summary>
    public static readonly ImmutableArray<string> ExtensionIds =
        ["583CC151-73EC-4A6A-8B47-578297AD7623", "6E2B4A5C-0D0B-4B57-9A40-7F3C1D5E8A21"];

    public const int PortNameMax = 48;

    private const string Connections =
        "SELECT * FROM Msvm_EthernetPortAllocationSettingData";
    private const uint Done = 0;
    private const uint JobDone = 4096;
    private const int Enabled = 2;

    private readonly IWmiSession _wmi;
    private readonly List<IDisposable> _watches = [];

    public WmiVirtualSwitchHost(IWmiSession wmi)
    {
        _wmi = wmi;
        foreach (var watched in (string[])[
            "Msvm_EthernetPortAllocationSettingData", "Msvm_VirtualEthernetSwitch"])
        {
            try
            {
                _watches.Add(wmi.Watch(
                    "SELECT * FROM __InstanceOperationEvent WITHIN 2 "
                    + $"WHERE TargetInstance ISA '{watched}'", () => Changed?.Invoke()));
            }
            catch (WmiException)
            {
                // Then it is looked at on a timer only.
            }
        }
    }

    public event Action? Changed;

    public IReadOnlyList<VirtualSwitch>? Switches(out string error) => Ask(
        () =>
        {
            var extensions = _wmi.Query("SELECT * FROM Msvm_EthernetSwitchExtension");
            return _wmi.Query("SELECT * FROM Msvm_VirtualEthernetSwitch")
                .Select(found => new VirtualSwitch(
                    found.Text("Name"), found.Text("ElementName"),
                    extensions.Any(extension => IsOurs(extension)
                        && extension.Number("EnabledState") == Enabled
                        && extension.Text("SystemName") == found.Text("Name"))))
                .OrderBy(found => found.Name, StringComparer.Ordinal).ToList();
        },
        out error);

    public IReadOnlyList<VirtualNic>? Nics(out string error) => Ask(
        () =>
        {
            var machines = _wmi.Query("SELECT Name, ElementName FROM Msvm_ComputerSystem")
                .GroupBy(machine => machine.Text("Name").ToUpperInvariant())
                .ToDictionary(group => group.Key, group => group.First().Text("ElementName"));
            var addresses = _wmi.Query("SELECT * FROM Msvm_SyntheticEthernetPortSettingData")
                .Concat(_wmi.Query("SELECT * FROM Msvm_EmulatedEthernetPortSettingData"))
                .GroupBy(nic => NicIdOf(nic.Text("InstanceID")))
                .ToDictionary(group => group.Key, group => group.First().Text("Address"));
            return _wmi.Query(Connections)
                .Where(port => !port.Text("InstanceID").Contains("Definition"))
                .Select(port => NicOf(port, machines, addresses))
                .OfType<VirtualNic>()
                .OrderBy(nic => nic.Id, StringComparer.Ordinal).ToList();
        },
        out error);

    public bool TrySetPortName(string nicId, string name, out string error)
    {
        if (name.Length is 0 or > PortNameMax)
        {
            error = $"a port's name has 1 to {PortNameMax} characters";
            return false;
        }

        var isDone = false;
        var problem = Ask(
            () =>
            {
                var ports = _wmi.Query(Connections).ToList();
                if (ports.Any(port => port.Text("ElementName") == name
                    && NicIdOf(port.Text("InstanceID")) != nicId))
                {
                    return $"another port is named {name}";
                }

                var port = ports.FirstOrDefault(
                    candidate => NicIdOf(candidate.Text("InstanceID")) == nicId);
                if (port is null) return $"there is no NIC {nicId}";
                if (port.Text("ElementName") == name) isDone = true;
                else isDone = Modify(With(port, "ElementName", name));
                return isDone ? "" : "Hyper-V refuses the name: disconnect the NIC first";
            },
            out error);
        if (problem is not null) error = problem;
        return isDone;
    }

    public bool TryEnableExtension(string switchId, out string error)
    {
        var isDone = false;
        var problem = Ask(
            () =>
            {
                var extension = _wmi.Query("SELECT * FROM Msvm_EthernetSwitchExtension")
                    .Where(found => IsOurs(found) && found.Text("SystemName") == switchId)
                    .OrderBy(found => found.Number("EnabledState") != Enabled)
                    .FirstOrDefault();
                if (extension is null) return "the driver of the extension is not installed";
                isDone = extension.Number("EnabledState") == Enabled || _wmi.Invoke(
                    extension, "RequestStateChange",
                    new Dictionary<string, object> { ["RequestedState"] = (ushort)Enabled })
                    is Done or JobDone;
                return isDone ? "" : "Hyper-V refuses: is another forwarding extension enabled?";
            },
            out error);
        if (problem is not null) error = problem;
        return isDone;
    }

    public bool TryAddInternalPort(string switchId, string name, out string error)
    {
        var isDone = false;
        var problem = Ask(
            () =>
            {
                if (InternalPorts(switchId).Any(port => port.Text("ElementName") == name))
                {
                    isDone = true;
                    return "";
                }

                var settings = _wmi.Query(
                    "SELECT * FROM Msvm_VirtualEthernetSwitchSettingData "
                    + $"WHERE VirtualSystemIdentifier = '{Escape(switchId)}'").FirstOrDefault();
                var host = _wmi.Query("SELECT * FROM Msvm_ComputerSystem "
                    + "WHERE InstallDate IS NULL").FirstOrDefault();
                if (settings is null || host is null) return $"there is no switch {switchId}";
                var port = With(
                    With(_wmi.Create("Msvm_EthernetPortAllocationSettingData"),
                        "ElementName", name),
                    "HostResource", new[] { host.Path });
                isDone = Switching().Invoke("AddResourceSettings", new Dictionary<string, object>
                {
                    ["AffectedConfiguration"] = settings.Path,
                    ["ResourceSettings"] = new[] { _wmi.Text(port) },
                }) is Done or JobDone;
                return isDone ? "" : $"Hyper-V does not make the port {name}";
            },
            out error);
        if (problem is not null) error = problem;
        return isDone;
    }

    public bool TryRemoveInternalPort(string switchId, string name, out string error)
    {
        var isDone = false;
        var problem = Ask(
            () =>
            {
                var port = InternalPorts(switchId)
                    .FirstOrDefault(candidate => candidate.Text("ElementName") == name);
                if (port is null) return $"there is no port {name}";
                isDone = Switching().Invoke(
                    "RemoveResourceSettings", new Dictionary<string, object>
                    {
                        ["ResourceSettings"] = new[] { port.Path },
                    }) is Done or JobDone;
                return isDone ? "" : $"Hyper-V does not remove the port {name}";
            },
            out error);
        if (problem is not null) error = problem;
        return isDone;
    }

    public void Dispose()
    {
        foreach (var watch in _watches) watch.Dispose();
        _wmi.Dispose();
    }

    private VirtualNic? NicOf(
        WmiObject port, Dictionary<string, string> machines, Dictionary<string, string> addresses)
    {
        var id = NicIdOf(port.Text("InstanceID"));
        var resource = port.Texts("HostResource").FirstOrDefault() ?? "";
        var machine = MachinePattern().Match(port.Text("InstanceID"));
        var owner = machine.Success
            ? machines.GetValueOrDefault(machine.Groups[1].Value.ToUpperInvariant())
            : null;
        var kind = owner is not null && addresses.ContainsKey(id)
            ? VirtualNicKind.Machine
            : resource.Contains("Msvm_ExternalEthernetPort", StringComparison.Ordinal)
                ? VirtualNicKind.External
                : VirtualNicKind.Internal;
        // Of a machine the resource is the switch; of others the switch is in the id.
        var switchId = SwitchPattern().Match(resource) is { Success: true } match
            ? match.Groups[1].Value
            : kind == VirtualNicKind.Machine ? "" : machine.Groups[1].Value;
        return new VirtualNic(
            id, switchId, kind, port.Text("ElementName"), owner ?? "",
            FormatMac(addresses.GetValueOrDefault(id, port.Text("Address"))),
            port.Number("EnabledState") == Enabled && switchId.Length > 0);
    }

    private IEnumerable<WmiObject> InternalPorts(string switchId) =>
        _wmi.Query(Connections).Where(port =>
            port.Text("InstanceID").Contains(switchId, StringComparison.OrdinalIgnoreCase));

    private bool Modify(WmiObject port)
    {
        var machines = _wmi.Query("SELECT * FROM Msvm_VirtualSystemManagementService");
        return machines.Count > 0 && _wmi.Invoke(
            machines[0], "ModifyResourceSettings", new Dictionary<string, object>
            {
                ["ResourceSettings"] = new[] { _wmi.Text(port) },
            }) is Done or JobDone;
    }

    private Service Switching() => new(_wmi, _wmi.Query(
        "SELECT * FROM Msvm_VirtualEthernetSwitchManagementService").FirstOrDefault()
        ?? throw new WmiException("the Hyper-V switch management service is not there"));

    private readonly record struct Service(IWmiSession Wmi, WmiObject Object)
    {
        public uint Invoke(string method, Dictionary<string, object> parameters) =>
            Wmi.Invoke(Object, method, parameters);
    }

    private static T? Ask<T>(Func<T> question, out string error) where T : class
    {
        try
        {
            error = "";
            return question();
        }
        catch (WmiException refused)
        {
            error = refused.Message;
            return null;
        }
    }

    private static bool IsOurs(WmiObject extension) => ExtensionIds.Any(id =>
        extension.Text("Name").Contains(id, StringComparison.OrdinalIgnoreCase));

    private static WmiObject With(WmiObject old, string name, object value) => old with
    {
        Properties = new Dictionary<string, object?>(old.Properties) { [name] = value },
    };

    /// <summary>"Microsoft:MACHINE\NIC\C" and "Microsoft:MACHINE\NIC" are the same NIC's.</summary>
    internal static string NicIdOf(string instanceId)
    {
        var parts = instanceId.Split('\\');
        return parts.Length < 2 ? instanceId : $"{parts[0]}\\{parts[1]}";
    }

    private static string FormatMac(string hex) => hex.Length != 12
        ? ""
        : string.Join(':', Enumerable.Range(0, 6).Select(i => hex.Substring(i * 2, 2)))
            .ToLowerInvariant();

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("'", "\\'", StringComparison.Ordinal);

    [GeneratedRegex(@"^Microsoft:([0-9A-Fa-f-]{36})")]
    private static partial Regex MachinePattern();

    [GeneratedRegex("Msvm_VirtualEthernetSwitch\\.(?:.*,)?Name=\"([^\"]+)\"")]
    private static partial Regex SwitchPattern();
}
