using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire.Netlink;

namespace Fabric.Switching;

/// <summary>The devices whose queues are laid out: asked by any thread, set by one actor.</summary>
/// <remarks>One per process: queues outlive the actor, and the process too, as OVS's do.</remarks>
public sealed class Shaper(TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, ShapedDevice> _devices = new();
    private readonly Lock _opening = new();
    private TrafficControl? _control;

    /// <param name="Error">Why the kernel did not; null: it did.</param>
    /// <param name="Since">When each queue was made, by number.</param>
    private sealed record ShapedDevice(
        int Device, QosLayout? Queueing, string? Error, ImmutableDictionary<uint, long> Since);

    /// <summary>Devices that are known now.</summary>
    public ImmutableArray<string> Names => [.. _devices.Keys];

    /// <summary>Gives a device its queues; null, or why it has not got them.</summary>
    /// <remarks>As OVS does, a device without a row loses what others set, unless the row is
    /// of type linux-noop.</remarks>
    public string? Shape(InterfaceShape shape)
    {
        var before = _devices.GetValueOrDefault(shape.Name);
        if (before is not null && before.Device == shape.Device
            && before.Queueing == shape.Queueing)
        {
            return before.Error;
        }

        string? error = null;
        var layout = shape.Queueing is { } wanted ? wanted.Layout : DeviceLayout.Default;
        if (layout is not null) error = LayOut(shape.Device, shape.Mtu, layout);
        else if (shape.Queueing!.Type != QosLayout.HandsOff) error = "Operation not supported";
        var since = ImmutableDictionary<uint, long>.Empty;
        foreach (var queue in QueuesOf(shape.Queueing))
        {
            since = since.Add(
                queue.Minor - 1u,
                before?.Since.GetValueOrDefault(queue.Minor - 1u, -1) is { } known and >= 0
                    ? known : time.GetTimestamp());
        }

        _devices[shape.Name] = new ShapedDevice(shape.Device, shape.Queueing, error, since);
        return error;
    }

    /// <summary>A device that is no port any more gets back what it had.</summary>
    public void Release(string name)
    {
        if (!_devices.TryRemove(name, out var device)) return;
        if (device is { Queueing.Layout: not null, Error: null })
        {
            LayOut(device.Device, 0, DeviceLayout.Default);
        }
    }

    /// <summary>What qos/show says.</summary>
    public string Show(string name)
    {
        if (!_devices.TryGetValue(name, out var device)
            || device.Queueing is not { Layout: { } layout } queueing)
        {
            return $"QoS not configured on {name}\n";
        }

        if (device.Error is not null) return $"QoS: {name} linux-other\n";
        var text = new StringBuilder($"QoS: {name} {queueing.Type}\n");
        var counters = CountersOf(device.Device);
        foreach (var one in layout.Classes)
        {
            if (one.Minor == HtbClass.RootMinor)
            {
                text.Append(CultureInfo.InvariantCulture, $"max-rate: {one.MaximumRate * 8}\n");
                continue;
            }

            var counted = counters.GetValueOrDefault(one.Handle);
            text.Append(one.Minor == 1
                ? "\nDefault:\n"
                : string.Create(CultureInfo.InvariantCulture, $"\nQueue {one.Minor - 1}:\n"));
            text.Append(CultureInfo.InvariantCulture, $"  burst: {one.Burst * 8ul}\n");
            if (one.Priority != 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"  priority: {one.Priority}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"  min-rate: {one.MinimumRate * 8}\n");
            text.Append(CultureInfo.InvariantCulture, $"  max-rate: {one.MaximumRate * 8}\n");
            text.Append(CultureInfo.InvariantCulture, $"  tx_packets: {counted.Packets}\n");
            text.Append(CultureInfo.InvariantCulture, $"  tx_bytes: {counted.Bytes}\n");
            text.Append(CultureInfo.InvariantCulture, $"  tx_errors: {counted.Drops}\n");
        }

        return text.ToString();
    }

    /// <summary>True of devices of the system's: they can have queues.</summary>
    public bool IsDevice(string name) => _devices.ContainsKey(name);

    public void Dispose() => _control?.Dispose();

    private static IEnumerable<HtbClass> QueuesOf(QosLayout? queueing) =>
        queueing?.Layout?.Classes.Where(each => each.Minor != HtbClass.RootMinor) ?? [];

    private string? LayOut(int device, int mtu, DeviceLayout layout)
    {
        if (Control(out var error) is not { } control) return error;
        return control.TryLayOut(device, mtu, layout, out error) ? null : error;
    }

    private Dictionary<uint, TrafficControlReply> CountersOf(int device) =>
        Control(out _)?.Classes(device).ToDictionary(each => each.Handle) ?? [];

    private TrafficControl? Control(out string error)
    {
        error = "";
        lock (_opening) return _control ??= TrafficControl.TryOpen(out error);
    }
}
