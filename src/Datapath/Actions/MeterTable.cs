using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Meters: token buckets per band, as OpenFlow 1.3 section 5.7 and OVS have them.
/// </summary>
/// <remarks>
/// A band is exceeded when its bucket is empty; of the exceeded bands the one with the highest rate
/// acts. Packets within all bands pass. Time is the datapath's clock in milliseconds.
/// </remarks>
public sealed class MeterTable : IDatapathMeters
{
    private readonly Lock _writer = new();
    private Meter?[] _meters = [];

    public bool TrySet(uint meterId, MeterSpec spec, out string error)
    {
        error = "";
        if (meterId >= DatapathLimits.MetersMax)
        {
            error = $"meter id {meterId} is not below {DatapathLimits.MetersMax}";
            return false;
        }

        lock (_writer)
        {
            var fresh = new Meter?[Math.Max(_meters.Length, (int)meterId + 1)];
            _meters.CopyTo(fresh, 0);
            fresh[meterId] = new Meter(spec);
            Volatile.Write(ref _meters, fresh);
        }

        return true;
    }

    public bool Remove(uint meterId)
    {
        lock (_writer)
        {
            if (Find(meterId) is null) return false;
            var fresh = _meters.ToArray();
            fresh[meterId] = null;
            Volatile.Write(ref _meters, fresh);
            return true;
        }
    }

    public MeterStatistics? Statistics(uint meterId) => Find(meterId)?.Statistics();

    /// <summary>Charges one packet; a meter that is not there lets everything pass.</summary>
    /// <param name="remark">By how much to raise the drop precedence (DSCP), or 0.</param>
    /// <returns>False when the packet is to be dropped.</returns>
    internal bool TryPass(uint meterId, int size, long nowMilliseconds, out byte remark)
    {
        remark = 0;
        return Find(meterId)?.TryPass(size, nowMilliseconds, out remark) ?? true;
    }

    private Meter? Find(uint meterId)
    {
        var meters = Volatile.Read(ref _meters);
        return meterId < (uint)meters.Length ? meters[meterId] : null;
    }

    private sealed class Meter
    {
        private readonly Lock _lock = new();
        private readonly MeterSpec _spec;
        private readonly Bucket[] _buckets;
        private ulong _packets, _bytes;
        private long _filledAt = -1;

        public Meter(MeterSpec spec)
        {
            _spec = spec;
            _buckets = new Bucket[spec.Bands.Length];
            for (var i = 0; i < _buckets.Length; i++) _buckets[i].Tokens = SizeOf(i);
        }

        public bool TryPass(int size, long now, out byte remark)
        {
            lock (_lock)
            {
                _packets++;
                _bytes += (uint)size;
                Fill(now);

                // In thousandths of a packet, or in bits.
                var cost = _spec.IsPackets ? 1000L : size * 8L;
                var exceeded = -1;
                for (var i = 0; i < _buckets.Length; i++)
                {
                    if (_buckets[i].Tokens >= cost)
                    {
                        _buckets[i].Tokens -= cost;
                    }
                    else if (exceeded < 0 || _spec.Bands[i].Rate > _spec.Bands[exceeded].Rate)
                    {
                        exceeded = i;
                    }
                }

                remark = 0;
                if (exceeded < 0) return true;
                _buckets[exceeded].Packets++;
                _buckets[exceeded].Bytes += (uint)size;
                if (_spec.Bands[exceeded].Kind == MeterBandKind.Drop) return false;
                remark = _spec.Bands[exceeded].DscpPrecedence;
                return true;
            }
        }

        public MeterStatistics Statistics()
        {
            lock (_lock)
            {
                return new MeterStatistics(
                    _packets, _bytes, [.. _buckets.Select(b => (b.Packets, b.Bytes))]);
            }
        }

        private void Fill(long now)
        {
            var elapsed = _filledAt < 0 ? 0 : Math.Max(0, now - _filledAt);
            _filledAt = now;
            if (elapsed == 0) return;
            for (var i = 0; i < _buckets.Length; i++)
            {
                // A rate of n per second (or kilobits) is n thousandths (or bits) a millisecond.
                var fresh = _buckets[i].Tokens + (elapsed * _spec.Bands[i].Rate);
                _buckets[i].Tokens = Math.Min(fresh, SizeOf(i));
            }
        }

        private long SizeOf(int band)
        {
            var spec = _spec.Bands[band];
            var burst = _spec.HasBurst && spec.Burst > 0 ? spec.Burst : spec.Rate;
            return burst * 1000L;
        }

        private struct Bucket
        {
            public long Tokens;
            public ulong Packets;
            public ulong Bytes;
        }
    }
}
