using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>What a device shall send by.</summary>
/// <param name="Qdisc">Null: what the kernel gives it by itself.</param>
/// <param name="Classes">Of <see cref="HtbQdisc"/>: those that others borrow from first.</param>
public sealed record DeviceLayout(Qdisc? Qdisc, EquatableArray<HtbClass> Classes)
{
    public static DeviceLayout Default { get; } = new(null, []);
}

/// <summary>Linux' traffic control of devices, tc(8). Any thread.</summary>
public sealed class TrafficControl : IDisposable
{
    private readonly NetlinkRequests _requests;

    private TrafficControl(NetlinkRequests requests) => _requests = requests;

    /// <returns>Null where there is none: on other systems, without the right to.</returns>
    public static TrafficControl? TryOpen(out string error)
    {
        error = "not on this system";
        return OperatingSystem.IsLinux() && NetlinkRequests.TryOpen(out error) is { } requests
            ? new TrafficControl(requests) : null;
    }

    /// <summary>
    /// Lays a device's queues out. Classes that are there already are changed in place: nothing
    /// that waits in them is lost.
    /// </summary>
    public bool TryLayOut(int device, int mtu, DeviceLayout layout, out string error)
    {
        error = "";
        var present = RootOf(device);
        if (layout.Qdisc is HtbQdisc
            && present is { Kind: "htb", Handle: TrafficControlRequest.Handle })
        {
            DeleteOthers(device, layout);
        }
        else
        {
            if (present is not null)
            {
                Ask((ref writer, sequence) =>
                    TrafficControlRequest.WriteDeleteRoot(ref writer, sequence, device));
            }

            if (layout.Qdisc is not { } qdisc) return true;
            if (!Try(
                (ref writer, sequence) => TrafficControlRequest.WriteNewRoot(
                    ref writer, sequence, device, qdisc),
                out error))
            {
                return false;
            }
        }

        foreach (var one in layout.Classes)
        {
            if (!Try(
                (ref writer, sequence) => TrafficControlRequest.WriteNewClass(
                    ref writer, sequence, device, one, mtu),
                out error))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The classes of a device with their counters.</summary>
    public ImmutableArray<TrafficControlReply> Classes(int device)
    {
        var classes = ImmutableArray.CreateBuilder<TrafficControlReply>();
        Ask(
            (ref writer, sequence) =>
                TrafficControlRequest.WriteGetClasses(ref writer, sequence, device),
            message =>
            {
                if (TrafficControlReply.TryParse(message, out var reply)) classes.Add(reply);
            });
        return classes.ToImmutable();
    }

    /// <summary>What somebody has set; the kernel's own choice has no handle.</summary>
    private TrafficControlReply? RootOf(int device)
    {
        TrafficControlReply? root = null;
        Ask(
            (ref writer, sequence) =>
                TrafficControlRequest.WriteGetRoot(ref writer, sequence, device),
            message =>
            {
                if (TrafficControlReply.TryParse(message, out var reply) && reply.Handle != 0)
                {
                    root = reply;
                }
            });
        return root;
    }

    private void DeleteOthers(int device, DeviceLayout layout)
    {
        var wanted = layout.Classes.Select(each => each.Handle).ToHashSet();
        foreach (var present in Classes(device).Where(each => !wanted.Contains(each.Handle)))
        {
            Ask((ref writer, sequence) => TrafficControlRequest.WriteDeleteClass(
                ref writer, sequence, device, present.Handle));
        }
    }

    private bool Try(NetlinkRequests.Writer write, out string error)
    {
        var code = Ask(write);
        error = code == 0 ? "" : Marshal.GetPInvokeErrorMessage(code);
        return code == 0;
    }

    private int Ask(NetlinkRequests.Writer write, NetlinkRequests.Reader? read = null) =>
        _requests.Ask(TrafficControlRequest.SizeMax, write, read);

    public void Dispose() => _requests.Dispose();
}
