using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Gives OpenFlow meters numbers in the datapath.</summary>
public sealed class MeterDirectory(IDatapathMeters meters)
{
    private readonly SortedSet<uint> _used = [];
    private readonly Lock _lock = new();

    public bool TrySet(MeterMod spec, uint? number, out uint id)
    {
        lock (_lock)
        {
            id = number ?? 0;
            while (number is null && _used.Contains(id)) id++;
            var bands = ImmutableArray.CreateBuilder<Fabric.Datapath.MeterBand>();
            foreach (var band in spec.Bands)
            {
                bands.Add(new Fabric.Datapath.MeterBand(
                    band.Type == MeterBandType.DscpRemark
                        ? MeterBandKind.DscpRemark : MeterBandKind.Drop,
                    band.Rate, band.BurstSize, band.PrecedenceLevel));
            }

            var converted = new MeterSpec(
                (spec.Flags & MeterFlags.PacketsPerSecond) != 0,
                (spec.Flags & MeterFlags.Burst) != 0, bands.ToImmutable());
            if (!meters.TrySet(id, converted, out _)) return false;
            _used.Add(id);
            return true;
        }
    }

    public void Remove(uint id)
    {
        lock (_lock)
        {
            meters.Remove(id);
            _used.Remove(id);
        }
    }

    public MeterStatistics? Statistics(uint id) => meters.Statistics(id);
}
