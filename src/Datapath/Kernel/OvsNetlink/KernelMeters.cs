using System.Collections.Immutable;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>Meters in the device where it can, and in the slow path where it cannot.</summary>
/// <remarks>
/// OVSEXT has meters from 3.1 on, of one band that drops. A meter is kept here in any case, so
/// that it survives the device and packets that go the slow way are metered too.
/// </remarks>
internal sealed class KernelMeters(
    MeterTable own, Func<NetlinkConnection?> connection) : IDatapathMeters
{
    private readonly Lock _gate = new();
    private ImmutableDictionary<uint, MeterSpec> _specs =
        ImmutableDictionary<uint, MeterSpec>.Empty;
    private ImmutableHashSet<uint> _inDevice = [];

    /// <summary>A meter now is where it was not: flows that use it must be written again.</summary>
    public Action? MovedBetween { get; set; }

    public bool IsInDevice(uint meterId) => Volatile.Read(ref _inDevice).Contains(meterId);

    public bool TrySet(uint meterId, MeterSpec spec, out string error)
    {
        bool isMoved;
        lock (_gate)
        {
            if (!own.TrySet(meterId, spec, out error)) return false;
            var before = IsInDevice(meterId);
            _specs = _specs.SetItem(meterId, spec);
            var isThere = connection() is { } device && TryWrite(device, meterId, spec);
            Mark(meterId, isThere);
            if (before && !isThere && connection() is { } old) Erase(old, meterId);
            isMoved = before != isThere;
        }

        if (isMoved) MovedBetween?.Invoke();
        return true;
    }

    public bool Remove(uint meterId)
    {
        lock (_gate)
        {
            if (IsInDevice(meterId) && connection() is { } device) Erase(device, meterId);
            Mark(meterId, false);
            _specs = _specs.Remove(meterId);
            return own.Remove(meterId);
        }
    }

    public MeterStatistics? Statistics(uint meterId)
    {
        if (own.Statistics(meterId) is not { } sum) return null;
        if (!IsInDevice(meterId) || connection() is not { } device) return sum;
        var endpoint = device.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsMeterMessage { Id = meterId }.Write(
                ref writer, endpoint.Header(OvsFamily.Meter, OvsMeterCommand.Get));
            if (!endpoint.Transact(ref writer, out var answer).IsOk
                || !OvsMessage.TryParse(answer, out var message, out _, out _)
                || !OvsMeterMessage.TryParse(message, out var meter, out _))
            {
                return sum;
            }

            var bands = sum.Bands;
            for (var i = 0; i < Math.Min(bands.Length, meter.Bands.Count); i++)
            {
                if (meter.Bands[i].Statistics is not { } counted) continue;
                bands = bands.SetItem(i, (
                    bands[i].Packets + counted.Packets, bands[i].Bytes + counted.Bytes));
            }

            return new MeterStatistics(
                sum.Packets + (meter.Statistics?.Packets ?? 0),
                sum.Bytes + (meter.Statistics?.Bytes ?? 0), bands);
        }
    }

    /// <summary>Writes all meters to a device that has none yet.</summary>
    public void Connected(NetlinkConnection device)
    {
        lock (_gate)
        {
            foreach (var (id, spec) in _specs) Mark(id, TryWrite(device, id, spec));
        }
    }

    private void Mark(uint meterId, bool isThere) => Volatile.Write(
        ref _inDevice, isThere ? _inDevice.Add(meterId) : _inDevice.Remove(meterId));

    private static bool TryWrite(NetlinkConnection device, uint meterId, MeterSpec spec)
    {
        if (!device.Features.HasMeters || spec.Bands.Length == 0
            || spec.Bands.Length > device.Features.MeterBandsMax
            || spec.Bands.Any(band => band.Kind != MeterBandKind.Drop))
        {
            return false;
        }

        var endpoint = device.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsMeterMessage
            {
                Id = meterId,
                IsKbps = !spec.IsPackets,
                Bands = spec.Bands.Select(band => new OvsMeterBand(
                    OvsBandType.Drop, band.Rate, spec.HasBurst ? band.Burst : band.Rate))
                    .ToEquatableArray(),
            }.Write(ref writer, endpoint.Header(
                OvsFamily.Meter, OvsMeterCommand.Set, endpoint.Change));
            return endpoint.Transact(ref writer, out _).IsOk;
        }
    }

    private static void Erase(NetlinkConnection device, uint meterId)
    {
        var endpoint = device.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsMeterMessage { Id = meterId }.Write(ref writer, endpoint.Header(
                OvsFamily.Meter, OvsMeterCommand.Delete, endpoint.Change));
            endpoint.Transact(ref writer, out _);
        }
    }
}
