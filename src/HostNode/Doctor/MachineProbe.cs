using Fabric.Datapath;
using System.Runtime.InteropServices;

namespace Fabric.HostNode.Doctor;

internal enum Finding { Present, Absent, Unknown }

/// <summary>One thing that a machine may offer, and what follows from it.</summary>
internal sealed record Probe(string Name, Finding Finding, string Detail, string Consequence);

/// <summary>Looks at the machine by trying, not by its name or version.</summary>
internal static partial class MachineProbe
{
    public static IReadOnlyList<Probe> RunAll() =>
        OperatingSystem.IsLinux() ? [.. Privileges(), .. Kernel(), .. Tools()]
        : [new Probe("system", Finding.Present, RuntimeInformation.OSDescription,
            "the ovsext provider is used where the OVSEXT extension is installed")];

    private static IEnumerable<Probe> Privileges()
    {
        var isRoot = geteuid() == 0;
        yield return new Probe("root", isRoot ? Finding.Present : Finding.Absent,
            isRoot ? "uid 0" : $"uid {geteuid()}",
            isRoot ? "ports, tunnels and kernel extensions can be programmed"
                : "CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF are needed: run as root");
        var capabilities = ReadCapabilities();
        yield return new Probe(
            "capabilities", capabilities == 0 ? Finding.Unknown : Finding.Present,
            $"effective {capabilities:x}",
            Has(capabilities, 12) ? "CAP_NET_ADMIN held" : "without CAP_NET_ADMIN no port opens");
    }

    private static IEnumerable<Probe> Kernel()
    {
        var release = Read("/proc/sys/kernel/osrelease");
        yield return new Probe("kernel", Finding.Present, release, "6.1 is the oldest supported");
        yield return File("tun", "/dev/net/tun", "internal and tap ports work",
            "internal and tap ports cannot be made");
        yield return File("btf", "/sys/kernel/btf/vmlinux",
            "the eBPF programs fit this kernel by themselves", "the eBPF provider cannot load");
        yield return File("bpffs", "/sys/fs/bpf",
            "flows can outlive the host node", "pinned flows need a bpffs at /sys/fs/bpf");
        yield return Socket("af_packet", 17, 3, 0x0300, "system ports work",
            "no system port can be opened");
        yield return Socket("af_xdp", 44, 3, 0, "AF_XDP ports can be used", "no AF_XDP ports");
        yield return Bpf();
        foreach (var probe in EbpfPrograms()) yield return probe;
        yield return new Probe("tcx", IsAtLeast(release, 6, 6) ? Finding.Present : Finding.Absent,
            release, IsAtLeast(release, 6, 6) ? "eBPF programs attach by tcx links"
                : "eBPF programs attach by clsact");
        foreach (var offload in TunnelOffloads.OfHardware())
        {
            yield return new Probe($"tunnel offload {offload.Device}",
                offload.Udp ? Finding.Present : Finding.Absent, $"{offload}",
                offload.Udp ? "the device cuts VXLAN and Geneve super-packets"
                    : "the kernel cuts VXLAN and Geneve super-packets");
        }

        yield return Netlink("ovs_datapath",
            "the genetlink provider can use the openvswitch module",
            "no openvswitch module: eBPF or the managed datapath moves packets");
    }

    private static IEnumerable<Probe> Tools()
    {
        foreach (var (tool, package) in new[]
        {
            ("ip", "iproute2"), ("nsenter", "util-linux"), ("ovs-vsctl", "openvswitch-switch"),
            ("ovs-ofctl", "openvswitch-common"), ("ovs-appctl", "openvswitch-common"),
            ("ovn-nbctl", "ovn-common"), ("clang", "clang"), ("tshark", "tshark"),
        })
        {
            var path = PathOf(tool);
            yield return new Probe(tool, path is null ? Finding.Absent : Finding.Present,
                path ?? $"Debian package {package}",
                path is null ? "installed by `fabric demo` or `fabric test` when needed" : "");
        }
    }

    private static Probe File(string name, string path, string present, string absent)
    {
        var exists = System.IO.File.Exists(path) || Directory.Exists(path);
        return new Probe(name, exists ? Finding.Present : Finding.Absent, path,
            exists ? present : absent);
    }

    private static Probe Socket(
        string name, int family, int type, int protocol, string present, string absent)
    {
        var file = socket(family, type, ((protocol & 0xFF) << 8) | (protocol >> 8));
        if (file < 0)
        {
            return new Probe(name, Finding.Absent, Marshal.GetLastPInvokeErrorMessage(), absent);
        }

        _ = close(file);
        return new Probe(name, Finding.Present, "socket opened", present);
    }

    /// <summary>Makes a one-entry array map and closes it again.</summary>
    private static Probe Bpf()
    {
        Span<byte> attributes = stackalloc byte[72];
        attributes.Clear();
        MemoryMarshal.Write(attributes, 2);       // BPF_MAP_TYPE_ARRAY
        MemoryMarshal.Write(attributes[4..], 4);  // key size
        MemoryMarshal.Write(attributes[8..], 4);  // value size
        MemoryMarshal.Write(attributes[12..], 1); // entries
        long file;
        unsafe
        {
            fixed (byte* pointer = attributes)
            {
                var number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 321 : 280;
                file = syscall(number, 0, pointer, (uint)attributes.Length);
            }
        }

        if (file < 0)
        {
            return new Probe("bpf", Finding.Absent, Marshal.GetLastPInvokeErrorMessage(),
                "the eBPF provider cannot be used");
        }

        _ = close((int)file);
        return new Probe("bpf", Finding.Present, "map created", "eBPF programs can be loaded");
    }

    /// <summary>Loads the programs, lets them go, and tells what the verifier said.</summary>
    private static IEnumerable<Probe> EbpfPrograms()
    {
        var lines = EbpfDatapath.Verify(out var error);
        yield return new Probe(
            "ebpf programs", error.Length == 0 ? Finding.Present : Finding.Absent,
            error.Length == 0 ? $"{lines.Length} programs pass the verifier" : error,
            error.Length == 0 ? "packets can be forwarded in the kernel"
                : "the managed datapath (userspace) moves packets");
        if (error.Length > 0) yield break;
        foreach (var line in lines)
        {
            var parts = line.Split(": ", 2);
            yield return new Probe($"  {parts[0]}", Finding.Present, parts[1], "");
        }
    }

    private static Probe Netlink(string family, string present, string absent)
    {
        var loaded = Directory.Exists("/sys/module/openvswitch");
        return new Probe("openvswitch.ko", loaded ? Finding.Present : Finding.Absent, family,
            loaded ? present : absent);
    }

    private static string? PathOf(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Append("/usr/sbin").Append("/sbin")
            .Select(folder => Path.Combine(folder, tool))
            .FirstOrDefault(System.IO.File.Exists);

    private static bool IsAtLeast(string release, int major, int minor)
    {
        var parts = release.Split('.', '-');
        return parts.Length >= 2 && int.TryParse(parts[0], out var a)
            && int.TryParse(parts[1], out var b) && (a > major || (a == major && b >= minor));
    }

    private static ulong ReadCapabilities()
    {
        var line = Read("/proc/self/status").Split('\n')
            .FirstOrDefault(text => text.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is not null && ulong.TryParse(line[7..].Trim(),
            System.Globalization.NumberStyles.HexNumber, null, out var value) ? value : 0;
    }

    private static bool Has(ulong capabilities, int number) => (capabilities >> number & 1) != 0;

    private static string Read(string path)
    {
        try
        {
            return System.IO.File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial long syscall(long number, int command, byte* data, uint size);
}
