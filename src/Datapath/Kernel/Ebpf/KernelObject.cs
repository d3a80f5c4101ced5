using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Fabric.Datapath;

/// <summary>The eBPF object in the kernel: programs, maps, and their memory.</summary>
/// <remarks>
/// Maps that were pinned by an earlier process are taken over when they fit; else the pins are
/// removed and everything but the connections starts afresh.
/// </remarks>
internal sealed unsafe class KernelObject : IDisposable
{
    private const string Resource = "fabric.bpf.o";
    private const int LogSize = 1 << 20;

    private static readonly string[] TailPrograms =
    [
        "lookup", "actions", "conntrack", "tunnel", "upcall", "create", "related", "measure",
    ];

    private readonly nint _handle;
    private readonly List<IDisposable> _mapped = [];

    private KernelObject(nint handle, bool isAdopted)
    {
        _handle = handle;
        IsAdopted = isAdopted;
    }

    /// <summary>Maps of an earlier process were found and taken over.</summary>
    public bool IsAdopted { get; }

    /// <summary>Connections of an earlier process whose maps were not taken over.</summary>
    public int CarriedCount { get; private set; }

    public int PortProgram => Program("port");
    public int UnderlayProgram => Program("underlay");
    public int InjectProgram => Program("inject");

    /// <summary>Descriptor of fabric_program_NAME.</summary>
    public int ProgramOf(string name) => Program(name);

    public MappedArray<KernelSettings> Settings { get; private set; } = null!;
    public MappedArray<KernelCounters> Counters { get; private set; } = null!;
    public MappedArray<KernelRow> Rows { get; private set; } = null!;
    public MappedArray<KernelStatistics> FlowCounts { get; private set; } = null!;
    public MappedArray<KernelMask> Masks { get; private set; } = null!;
    public MappedArray<KernelOrder> Orders { get; private set; } = null!;
    public MappedArray<KernelPort> Ports { get; private set; } = null!;
    public MappedArray<KernelDevicePort> Devices { get; private set; } = null!;
    public MappedArray<uint> TunnelPorts { get; private set; } = null!;
    public MappedArray<KernelTunnel> Tunnels { get; private set; } = null!;
    public MappedArray<KernelExecution> Executions { get; private set; } = null!;
    public MappedArray<KernelConntrackSpec> ConntrackSpecs { get; private set; } = null!;
    public MappedArray<KernelZone> Zones { get; private set; } = null!;
    public MappedArray<KernelPolicy> Policies { get; private set; } = null!;

    public int Megaflows => Map("fabric_megaflows");
    public int Connections => Map("fabric_connections");
    public int Replies => Map("fabric_replies");
    public int Parents => Map("fabric_parents");
    public int Expectations => Map("fabric_expectations");
    public int Channels => Map("fabric_channels");
    public int Locals => Map("fabric_locals");
    public int Meters => Map("fabric_meters");
    public int Upcalls => Map("fabric_upcalls");
    public int Events => Map("fabric_events");

    /// <summary>Seed of the flow hash: the kernel's and ours.</summary>
    public ulong Seed { get; private set; }

    /// <summary>log2 of the processors whose flow counters are apart.</summary>
    public int CounterShift { get; private set; }

    /// <summary>The compiled programs were built into this assembly.</summary>
    public static bool IsBuiltIn =>
        typeof(KernelObject).Assembly.GetManifestResourceInfo(Resource) is not null;

    public static KernelObject? TryLoad(EbpfOptions options, out string error)
    {
        if (FindProblem() is { } problem)
        {
            error = problem;
            return null;
        }

        error = "";
        var bytes = options.Programs ?? ReadResource()!;
        var pins = options.PinFolder;
        var isPinned = pins is not null && File.Exists(Path.Combine(pins, "fabric_settings"));
        if (pins is not null)
        {
            if (!TryMakeFolder(pins, out error)) return null;
            EbpfPins.RemoveDead(pins);
        }

        if (!isPinned) return TryLoad(bytes, options, isAdopting: false, out error);
        if (EarlierConnections.VersionOf(pins!) == KernelAbi.Version
            && TryLoad(bytes, options, isAdopting: true, out error) is { } adopted)
        {
            return adopted;
        }

        using var earlier = EarlierConnections.TryOpen(pins!);
        EbpfPins.RemoveMaps(pins!);
        var fresh = TryLoad(bytes, options, isAdopting: false, out error);
        if (fresh is not null) fresh.CarriedCount = earlier?.CarryTo(fresh) ?? 0;
        return fresh;
    }

    /// <summary>What the verifier says of each program.</summary>
    public static ImmutableArray<string> Verify(out string error)
    {
        const int ProgramLogSize = 1 << 16;

        error = FindProblem() ?? "";
        if (error.Length > 0) return [];
        string[] names = [.. TailPrograms, "port", "underlay", "inject"];
        var logs = (byte*)NativeMemory.AllocZeroed((nuint)(ProgramLogSize * names.Length));
        nint handle = 0;
        try
        {
            var bytes = ReadResource()!;
            fixed (byte* image = bytes)
            {
                var open = new LibBpf.ObjectOptions { Size = 80 };
                handle = LibBpf.OpenObject(image, (nuint)bytes.Length, &open);
            }

            for (var i = 0; i < names.Length; i++)
            {
                var program = LibBpf.FindProgram(handle, "fabric_program_" + names[i]);
                LibBpf.SetLogBuffer(program, logs + (i * ProgramLogSize), ProgramLogSize);
                LibBpf.SetLogLevel(program, 4);
            }

            var result = LibBpf.LoadObject(handle);
            if (result < 0) error = Explain(-result, "");
            return [.. names.Select((name, i) => $"{name}: "
                + LastLineOf((nint)(logs + (i * ProgramLogSize))))];
        }
        finally
        {
            if (handle != 0) LibBpf.CloseObject(handle);
            NativeMemory.Free(logs);
        }
    }

    private static string LastLineOf(nint log) =>
        (Marshal.PtrToStringUTF8(log) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault("not loaded");

    /// <summary>What can be known to be missing without loading anything.</summary>
    public static string? FindProblem(string typesOfKernel = "/sys/kernel/btf/vmlinux")
    {
        if (!IsBuiltIn)
        {
            return "the eBPF programs were not built: clang and libbpf-dev were missing when "
                + "this was compiled";
        }

        if (!File.Exists(typesOfKernel))
        {
            return $"this kernel has no BTF ({typesOfKernel}: CONFIG_DEBUG_INFO_BTF)";
        }

        try
        {
            LibBpf.SetPrint(0);
        }
        catch (DllNotFoundException)
        {
            return "libbpf.so.1 is missing: install the package libbpf1";
        }

        return null;
    }

    private static KernelObject? TryLoad(
        byte[] bytes, EbpfOptions options, bool isAdopting, out string error)
    {
        var log = (byte*)NativeMemory.AllocZeroed(LogSize);
        nint handle = 0;
        try
        {
            fixed (byte* image = bytes)
            fixed (byte* name = "fabric\0"u8)
            {
                var open = new LibBpf.ObjectOptions
                {
                    Size = 80,
                    Name = name,
                    LogBuffer = log,
                    LogSize = LogSize,
                };
                handle = LibBpf.OpenObject(image, (nuint)bytes.Length, &open);
            }

            if (handle == 0)
            {
                error = $"the eBPF object cannot be read: {Libc.LastErrorText()}";
                return null;
            }

            var made = new KernelObject(handle, isAdopting);
            made.Prepare(options);
            var result = LibBpf.LoadObject(handle);
            if (result < 0)
            {
                error = Explain(-result, Marshal.PtrToStringUTF8((nint)log) ?? "");
                LibBpf.CloseObject(handle);
                return null;
            }

            if (made.TryMap(out error) && made.TryStart(options, out error)) return made;
            made.Dispose();
            return null;
        }
        finally
        {
            NativeMemory.Free(log);
        }
    }

    private static string Explain(int code, string log)
    {
        var text = Marshal.GetPInvokeErrorMessage(code);
        var last = log.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault(line => !line.StartsWith("processed", StringComparison.Ordinal));
        var hint = code switch
        {
            1 or 13 => "CAP_BPF and CAP_NET_ADMIN are needed",
            2 or 3 => "this kernel lacks BTF (/sys/kernel/btf/vmlinux) or a map type",
            22 or 7 => "this kernel's verifier refuses a program",
            _ => "",
        };
        return $"the kernel does not take the eBPF programs ({text}"
            + (hint.Length > 0 ? $"; {hint}" : "") + (last is null ? ")" : $"): {last}");
    }

    /// <summary>Sizes, seed and pins, before the kernel sees the object.</summary>
    private void Prepare(EbpfOptions options)
    {
        var processors = PossibleProcessors();
        CounterShift = Math.Min(3, (int)Math.Ceiling(Math.Log2(processors)));
        var rows = (uint)options.FlowsMax + EbpfOptions.RowsReserved;
        LibBpf.SetMaxEntries(Find("fabric_rows"), rows);
        LibBpf.SetMaxEntries(Find("fabric_flow_counts"), rows << CounterShift);
        LibBpf.SetMaxEntries(Find("fabric_megaflows"), (uint)options.FlowsMax);
        LibBpf.SetMaxEntries(Find("fabric_connections"), (uint)options.ConnectionsMax);
        LibBpf.SetMaxEntries(Find("fabric_replies"), (uint)options.ConnectionsMax);

        if (options.PinFolder is { } pins)
        {
            foreach (var (name, map) in AllMaps())
            {
                if (name.Contains('.')) continue;
                LibBpf.SetPinPath(map, Path.Combine(pins, name));
            }
        }

        Seed = IsAdopted ? ReadPinnedSeed(options.PinFolder!) : 0;
        while (Seed == 0)
        {
            Seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        }

        foreach (var (name, map) in AllMaps())
        {
            if (!name.EndsWith(".rodata", StringComparison.Ordinal)) continue;
            nuint size;
            var constants = LibBpf.InitialValue(map, &size);
            // In the order of their definition: fabric_maps.h.
            if (constants == null || size < 16) continue;
            *(ulong*)constants = Seed;
            *(uint*)(constants + 8) = (uint)CounterShift;
            *(uint*)(constants + 12) = processors <= 1 << CounterShift ? 0u : 1;
        }
    }

    /// <summary>Processors that programs may run on, whatever this process may use.</summary>
    private static int PossibleProcessors()
    {
        const string List = "/sys/devices/system/cpu/possible";
        var last = File.Exists(List) ? File.ReadAllText(List).Trim().Split('-', ',')[^1] : "";
        return int.TryParse(last, out var number) ? number + 1 : Environment.ProcessorCount;
    }

    private static ulong ReadPinnedSeed(string pins)
    {
        var map = LibBpf.GetPinned(Path.Combine(pins, "fabric_settings"));
        if (map < 0) return 0;
        KernelSettings settings;
        uint zero = 0;
        var result = LibBpf.Lookup(map, &zero, &settings);
        Libc.Close(map);
        return result == 0 ? settings.Random : 0;
    }

    private bool TryMap(out string error)
    {
        error = "";
        Settings = Memory<KernelSettings>("fabric_settings");
        Counters = Memory<KernelCounters>("fabric_counts");
        Rows = Memory<KernelRow>("fabric_rows");
        FlowCounts = Memory<KernelStatistics>("fabric_flow_counts");
        Masks = Memory<KernelMask>("fabric_masks");
        Orders = Memory<KernelOrder>("fabric_orders");
        Ports = Memory<KernelPort>("fabric_ports");
        Devices = Memory<KernelDevicePort>("fabric_devices");
        TunnelPorts = Memory<uint>("fabric_tunnel_ports");
        Tunnels = Memory<KernelTunnel>("fabric_tunnels");
        Executions = Memory<KernelExecution>("fabric_executions");
        ConntrackSpecs = Memory<KernelConntrackSpec>("fabric_conntrack_specs");
        Zones = Memory<KernelZone>("fabric_zones");
        Policies = Memory<KernelPolicy>("fabric_policies");
        if (_mapped.Count == 14) return true;
        error = "the kernel does not share its maps' memory";
        return false;
    }

    private MappedArray<T> Memory<T>(string name)
        where T : unmanaged
    {
        var map = Find(name);
        var memory = MappedArray<T>.TryMap(
            LibBpf.MapDescriptor(map), (int)LibBpf.MaxEntries(map), LibBpf.ValueSize(map));
        if (memory is not null) _mapped.Add(memory);
        return memory!;
    }

    private bool TryStart(EbpfOptions options, out string error)
    {
        var programs = Map("fabric_programs");
        for (uint i = 0; i < TailPrograms.Length; i++)
        {
            var program = Program(TailPrograms[i]);
            if (LibBpf.Update(programs, &i, &program, LibBpf.UpdateAny) == 0) continue;
            error = $"the program {TailPrograms[i]} cannot be entered: {Libc.LastErrorText()}";
            return false;
        }

        ref var settings = ref Settings[0];
        if (!IsAdopted)
        {
            settings.ConntrackMax = (uint)options.ConnectionsMax;
            settings.ZoneLimit = uint.MaxValue;
        }

        settings.IsDecapPlain = options.IsWithoutDecapVersions ? 1u : 0;
        settings.UpcallsPerPort = EbpfOptions.UpcallsPerPort;
        settings.Random = Seed;
        settings.Abi = KernelAbi.Version;
        settings.Incarnation++;
        error = "";
        return true;
    }

    /// <summary>
    /// What the kernel charges for all maps; since Linux 6.4 what they really take.
    /// </summary>
    /// <param name="names">Of which maps; none: of all.</param>
    public ulong MapBytes(params ReadOnlySpan<string> names)
    {
        const string Field = "memlock:";

        ulong sum = 0;
        foreach (var (name, map) in AllMaps())
        {
            if (names.Length > 0 && !names.Contains(name)) continue;
            var file = $"/proc/self/fdinfo/{LibBpf.MapDescriptor(map)}";
            var line = File.ReadLines(file)
                .FirstOrDefault(text => text.StartsWith(Field, StringComparison.Ordinal));
            if (line is not null && ulong.TryParse(line.AsSpan(Field.Length), out var bytes))
            {
                sum += bytes;
            }
        }

        return sum;
    }

    private int Map(string name) => LibBpf.MapDescriptor(Find(name));

    private int Program(string name) =>
        LibBpf.ProgramDescriptor(LibBpf.FindProgram(_handle, "fabric_program_" + name));

    private nint Find(string name)
    {
        var map = LibBpf.FindMap(_handle, name);
        return map != 0 ? map : throw new InvalidOperationException($"no map {name}");
    }

    private IEnumerable<(string Name, nint Map)> AllMaps()
    {
        for (var map = LibBpf.NextMap(_handle, 0); map != 0; map = LibBpf.NextMap(_handle, map))
        {
            yield return (NameOf(map), map);
        }
    }

    private static string NameOf(nint map) =>
        Marshal.PtrToStringUTF8((nint)LibBpf.MapName(map)) ?? "";

    private static byte[]? ReadResource()
    {
        using var stream = typeof(KernelObject).Assembly.GetManifestResourceStream(Resource);
        if (stream is null) return null;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static bool TryMakeFolder(string folder, out string error) =>
        EbpfPins.TryMakeFolder(folder, out error);

    public void Dispose()
    {
        foreach (var memory in _mapped) memory.Dispose();
        _mapped.Clear();
        LibBpf.CloseObject(_handle);
    }
}
