namespace Fabric.Datapath;

/// <summary>Meters whose buckets live in the kernel, where the packets are.</summary>
/// <remarks>
/// They outlive the process as flows do. Setting a meter anew fills its buckets, as
/// <see cref="MeterTable"/> does.
/// </remarks>
internal sealed unsafe class EbpfMeters(KernelObject kernel) : IDatapathMeters
{
    /// <summary>As that of the programs' update: under the meter's lock.</summary>
    private const ulong Locked = 4;

    public bool TrySet(uint meterId, MeterSpec spec, out string error)
    {
        error = "";
        if (meterId >= DatapathLimits.MetersMax)
        {
            error = $"meter id {meterId} is not below {DatapathLimits.MetersMax}";
            return false;
        }

        if (spec.Bands.Length > KernelAbi.BandsMax)
        {
            error = $"a meter has at most {KernelAbi.BandsMax} bands here";
            return false;
        }

        var meter = new KernelMeter
        {
            Count = (ushort)spec.Bands.Length,
            IsPackets = (ushort)(spec.IsPackets ? 1 : 0),
            FilledAt = (ulong)Environment.TickCount64,
        };
        for (var i = 0; i < spec.Bands.Length; i++)
        {
            var band = spec.Bands[i];
            var burst = spec.HasBurst && band.Burst > 0 ? band.Burst : band.Rate;
            meter.Bands[i] = new KernelBand
            {
                Tokens = burst * 1000UL,
                Size = burst * 1000UL,
                Rate = band.Rate,
                Remark = band.Kind == MeterBandKind.Drop ? 0u : band.DscpPrecedence,
            };
        }

        var result = LibBpf.Update(kernel.Meters, &meterId, &meter, LibBpf.UpdateAny);
        if (result == 0) return true;
        error = System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(-result);
        return false;
    }

    public bool Remove(uint meterId) => LibBpf.Delete(kernel.Meters, &meterId) == 0;

    public MeterStatistics? Statistics(uint meterId)
    {
        KernelMeter meter;
        if (LibBpf.LookupWith(kernel.Meters, &meterId, &meter, Locked) != 0) return null;
        var bands = new (ulong, ulong)[Math.Min((int)meter.Count, KernelAbi.BandsMax)];
        for (var i = 0; i < bands.Length; i++)
        {
            bands[i] = (meter.Bands[i].Packets, meter.Bands[i].Bytes);
        }

        return new MeterStatistics(meter.Packets, meter.Bytes, [.. bands]);
    }
}
