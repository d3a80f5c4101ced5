using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

internal enum SpecKind : byte { Conntrack, Tunnel, Userdata, Continuation }

/// <summary>What steps name by number: connection specs, outer headers, userdata, rests.</summary>
/// <remarks>
/// Numbers of userdata and continuations carry the incarnation of the process in their upper bits:
/// those of an earlier one are known as such.
/// </remarks>
internal sealed class StepSpecs
{
    private const uint NumbersMax = 65_536;
    private const int IncarnationShift = 24;
    private const uint TripBit = 0x40_0000;

    private readonly Lock _lock = new();
    private readonly KernelObject _kernel;
    private readonly TunnelRoutes _routes;
    private readonly ConntrackPolicies _policies;
    private readonly SpecTable<ConntrackAction> _conntrack;
    private readonly SpecTable<TunnelMetadata> _tunnels;
    private readonly SpecTable<UpcallUserdata> _userdata = new(
        NumbersMax, comparer: UserdataComparer.Instance);
    private readonly SpecTable<ActionList> _continuations = new(NumbersMax);
    private readonly uint _tag;

    public StepSpecs(KernelObject kernel, TunnelRoutes routes, ConntrackPolicies policies)
    {
        _kernel = kernel;
        _routes = routes;
        _policies = policies;
        _tag = (kernel.Settings[0].Incarnation & 0xFF) << IncarnationShift;
        _conntrack = new SpecTable<ConntrackAction>(
            (uint)kernel.ConntrackSpecs.Count,
            number => kernel.IsAdopted && kernel.ConntrackSpecs[(int)number].Policy != 0xFFFF
                && !IsUnused(kernel.ConntrackSpecs[(int)number]));
        _tunnels = new SpecTable<TunnelMetadata>(
            (uint)kernel.Tunnels.Count,
            number => kernel.IsAdopted && kernel.Tunnels[(int)number].Ttl != 0,
            TunnelComparer.Instance);
    }

    /// <summary>What numbers and recirculation ids of this process carry.</summary>
    public uint Epoch => _tag;

    public uint Conntrack(ConntrackAction action, StepProgram program)
    {
        lock (_lock)
        {
            var number = _conntrack.Acquire(action, out var isNew);
            if (isNew) _kernel.ConntrackSpecs[(int)number] = SpecOf(action);
            return Note(program, SpecKind.Conntrack, number);
        }
    }

    public uint Tunnel(TunnelMetadata tunnel, StepProgram program)
    {
        lock (_lock)
        {
            var number = _tunnels.Acquire(tunnel, out var isNew);
            if (isNew) _kernel.Tunnels[(int)number] = _routes.Resolve(tunnel);
            return Note(program, SpecKind.Tunnel, number);
        }
    }

    public uint Userdata(UpcallUserdata userdata, StepProgram program)
    {
        lock (_lock)
        {
            var number = _userdata.Acquire(userdata, out _);
            Note(program, SpecKind.Userdata, number);
            return number | _tag;
        }
    }

    public uint Continuation(ReadOnlySpan<DatapathAction> rest, StepProgram program)
    {
        lock (_lock)
        {
            var number = _continuations.Acquire(new ActionList([.. rest]), out _);
            Note(program, SpecKind.Continuation, number);
            return number | _tag;
        }
    }

    /// <summary>
    /// What fragments and control channels go up with; 0 when no number is left: fragments are
    /// invalid then, and nobody reads control channels.
    /// </summary>
    public uint ConntrackRest(ReadOnlySpan<DatapathAction> rest, StepProgram program)
    {
        lock (_lock)
        {
            var number = _continuations.Acquire(new ActionList([.. rest]), out _);
            if (number == 0) return 0;
            program.Specs.Add((SpecKind.Continuation, number));
            return number | _tag;
        }
    }

    /// <summary>Number of a step "slow" that brings a tracked packet up.</summary>
    public uint OfTrip(uint trip) => _tag | TripBit | trip;

    public bool IsTrip(uint number, out uint trip)
    {
        trip = number & TrackedTrips.NumberMax;
        return IsOurs(number) && (number & TripBit) != 0;
    }

    public TunnelMetadata? FindTunnel(uint number)
    {
        lock (_lock) return number == 0 ? null : _tunnels.Find(number);
    }

    public UpcallUserdata? FindUserdata(uint number)
    {
        lock (_lock) return IsOurs(number) ? _userdata.Find(number & 0xFF_FFFF) : null;
    }

    /// <summary>Default when it is not known, or was an earlier process's.</summary>
    public ImmutableArray<DatapathAction> FindContinuation(uint number)
    {
        lock (_lock)
        {
            return IsOurs(number) && _continuations.Find(number & 0xFF_FFFF) is { } list
                ? list.Actions
                : default;
        }
    }

    public void Release(List<(SpecKind Kind, uint Number)> specs)
    {
        lock (_lock)
        {
            foreach (var (kind, number) in specs)
            {
                switch (kind)
                {
                    case SpecKind.Conntrack: _conntrack.Release(number); break;
                    case SpecKind.Tunnel: _tunnels.Release(number); break;
                    case SpecKind.Userdata: _userdata.Release(number); break;
                    default: _continuations.Release(number); break;
                }
            }
        }
    }

    /// <summary>Looks up anew where tunnels lead: routes and addresses change.</summary>
    public void RefreshTunnels()
    {
        lock (_lock)
        {
            foreach (var (number, tunnel) in _tunnels.InUse)
            {
                var fresh = _routes.Resolve(tunnel);
                ref var now = ref _kernel.Tunnels[(int)number];
                if (now.Device == fresh.Device && now.Mtu == fresh.Mtu
                    && now.Gateway == fresh.Gateway && now.RouteSource == fresh.RouteSource)
                {
                    continue;
                }

                now.Device = 0; // The slow path sends meanwhile.
                now.Mtu = fresh.Mtu;
                now.Gateway = fresh.Gateway;
                now.IsViaGateway = fresh.IsViaGateway;
                now.RouteSource = fresh.RouteSource;
                Volatile.Write(ref now.Device, fresh.Device);
            }
        }
    }

    /// <summary>Next hops of the tunnels in use, and the devices they are reached by.</summary>
    public ImmutableArray<(int Device, System.Net.IPAddress Address)> NextHops()
    {
        lock (_lock)
        {
            return
            [
                .. _tunnels.InUse.Select(each => TunnelRoutes.NextHopOf(
                    each.Key, in _kernel.Tunnels[(int)each.Number])).Distinct(),
            ];
        }
    }

    private bool IsOurs(uint number) => (number & 0xFF00_0000) == _tag;

    private static uint Note(StepProgram program, SpecKind kind, uint number)
    {
        if (number == 0) program.MarkIncomplete();
        else program.Specs.Add((kind, number));
        return number;
    }

    private static bool IsUnused(in KernelConntrackSpec spec) =>
        spec is { Zone: 0, Flags: 0, Nat: 0, PortMin: 0, AddressCount: 0 };

    private KernelConntrackSpec SpecOf(ConntrackAction action)
    {
        var spec = new KernelConntrackSpec
        {
            Zone = action.Zone,
            Policy = action.TimeoutPolicy is { } name ? _policies.NumberOf(name) : (ushort)0,
            MarkWire = BinaryPrimitives.ReverseEndianness(action.Mark),
            MarkMaskWire = BinaryPrimitives.ReverseEndianness(action.MarkMask),
            LabelWire = WireOf(action.Label),
            LabelMaskWire = WireOf(action.LabelMask),
            Nat = 3,
        };
        if (action.Commit) spec.Flags |= ConntrackFlags.Commit;
        if (action.Force) spec.Flags |= ConntrackFlags.Force;
        if (action.Helper == "ftp") spec.Flags |= ConntrackFlags.Ftp;
        if (action.Helper == "tftp") spec.Flags |= ConntrackFlags.Tftp;
        if (action.Nat is not { } nat) return spec;

        spec.Nat = (byte)nat.Type;
        spec.PortMin = nat.PortMin;
        spec.PortMax = Math.Max(nat.PortMin, nat.PortMax);
        if (nat.RandomPorts) spec.Flags |= ConntrackFlags.Random;
        if (nat.Persistent) spec.Flags |= ConntrackFlags.Persistent;
        if (nat.HashPorts) spec.Flags |= ConntrackFlags.Hash;
        if (nat.AddressMin is not { } min || IsAny(min)) return spec;
        spec.HasAddress = 1;
        spec.AddressMin = Ipv6Bytes.From(min);
        spec.AddressCount = CountOf(min, nat.AddressMax ?? min);
        return spec;
    }

    private static bool IsAny(System.Net.IPAddress address) =>
        address.Equals(System.Net.IPAddress.Any) || address.Equals(System.Net.IPAddress.IPv6Any);

    private static uint CountOf(System.Net.IPAddress min, System.Net.IPAddress max)
    {
        Span<byte> low = stackalloc byte[16], high = stackalloc byte[16];
        min.MapToIPv6().TryWriteBytes(low, out _);
        max.MapToIPv6().TryWriteBytes(high, out _);
        var first = BinaryPrimitives.ReadUInt64BigEndian(low[8..]);
        var last = BinaryPrimitives.ReadUInt64BigEndian(high[8..]);
        return last <= first ? 1 : (uint)Math.Min(last - first + 1, 0xFFFF_FFFF);
    }

    internal static Ipv6Bytes WireOf(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return Ipv6Bytes.From(bytes);
    }

    /// <summary>Actions compared one by one.</summary>
    private sealed class ActionList(ImmutableArray<DatapathAction> actions) : IEquatable<ActionList>
    {
        public readonly ImmutableArray<DatapathAction> Actions = actions;

        public bool Equals(ActionList? other) =>
            other is not null && Actions.AsSpan().SequenceEqual(other.Actions.AsSpan());

        public override bool Equals(object? obj) => Equals(obj as ActionList);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var action in Actions) hash.Add(action);
            return hash.ToHashCode();
        }
    }

    private sealed class TunnelComparer : IEqualityComparer<TunnelMetadata>
    {
        public static readonly TunnelComparer Instance = new();

        public bool Equals(TunnelMetadata? x, TunnelMetadata? y) =>
            x is not null && y is not null
            && (x with { Options = default }).Equals(y with { Options = default })
            && OptionsOf(x).SequenceEqual(OptionsOf(y));

        public int GetHashCode(TunnelMetadata tunnel) =>
            HashCode.Combine(tunnel.Id, tunnel.Destination, tunnel.Source, tunnel.Flags,
                OptionsOf(tunnel).Length, OptionsOf(tunnel) is [.., var last] ? last : 0);

        private static ReadOnlySpan<byte> OptionsOf(TunnelMetadata tunnel) =>
            tunnel.Options.IsDefault ? [] : tunnel.Options.AsSpan();
    }

    private sealed class UserdataComparer : IEqualityComparer<UpcallUserdata>
    {
        public static readonly UserdataComparer Instance = new();

        public bool Equals(UpcallUserdata? x, UpcallUserdata? y) =>
            x is not null && y is not null && x.Kind == y.Kind && x.Cookie == y.Cookie
            && DataOf(x).SequenceEqual(DataOf(y));

        public int GetHashCode(UpcallUserdata userdata) =>
            HashCode.Combine(userdata.Kind, userdata.Cookie, DataOf(userdata).Length);

        private static ReadOnlySpan<byte> DataOf(UpcallUserdata userdata) =>
            userdata.Data.IsDefault ? [] : userdata.Data.AsSpan();
    }
}
