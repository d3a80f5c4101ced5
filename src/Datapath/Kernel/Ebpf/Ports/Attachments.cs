using System.Globalization;

namespace Fabric.Datapath;

/// <summary>
/// Programs on devices: tcx links where the kernel has them, else clsact filters.
/// </summary>
/// <remarks>
/// A pinned link outlives the process, as a clsact filter does by itself. A new process puts its
/// program in the place of the old one in one step, so that no packet passes by.
/// </remarks>
internal sealed unsafe class Attachments(string? pins, bool isWithoutTcx) : IDisposable
{
    private const uint Handle = 1;
    private const uint Priority = 0x0F4B;
    private const int Exists = -17;

    private readonly Dictionary<(int Device, bool IsEgress), int> _links = [];
    private readonly HashSet<(int Device, bool IsEgress)> _filters = [];
    private readonly Lock _lock = new();
    private bool _hasTcx = !isWithoutTcx;

    /// <summary>"tcx" or "clsact".</summary>
    public string Kind => _hasTcx ? "tcx" : "clsact";

    public bool TryAttach(int device, int program, bool isEgress, out string error)
    {
        error = "";
        lock (_lock)
        {
            if (_links.TryGetValue((device, isEgress), out var link))
            {
                return LibBpf.UpdateLink(link, program, null) == 0;
            }

            if (_filters.Contains((device, isEgress)))
            {
                return TryFilter(device, program, isEgress, out error);
            }

            if (_hasTcx && TryLink(device, program, isEgress)) return true;
            if (_hasTcx && _links.Count > 0 && Libc.LastError != LinuxNumbers.ErrorInvalid)
            {
                error = Libc.LastErrorText();
                return false;
            }

            if (!TryFilter(device, program, isEgress, out error)) return false;
            if (_links.Count == 0) _hasTcx = false;
            return true;
        }
    }

    public void Detach(int device)
    {
        lock (_lock)
        {
            Detach(device, isEgress: false);
            Detach(device, isEgress: true);
        }
    }

    /// <summary>Takes every program off, for good.</summary>
    public void DetachAll()
    {
        lock (_lock)
        {
            foreach (var (device, isEgress) in _links.Keys.Concat(_filters).ToArray())
            {
                Detach(device, isEgress);
            }

            if (pins is null || !Directory.Exists(LinkFolder)) return;
            foreach (var file in Directory.GetFiles(LinkFolder)) File.Delete(file);
        }
    }

    private string LinkFolder => Path.Combine(pins!, "links");

    private string PinOf(int device, bool isEgress) => Path.Combine(
        LinkFolder, string.Create(CultureInfo.InvariantCulture,
            $"{device}-{(isEgress ? "egress" : "ingress")}"));

    private bool TryLink(int device, int program, bool isEgress)
    {
        var pin = pins is null ? null : PinOf(device, isEgress);
        if (pin is not null && File.Exists(pin))
        {
            var old = LibBpf.GetPinned(pin);
            if (old >= 0 && LibBpf.UpdateLink(old, program, null) == 0)
            {
                _links[(device, isEgress)] = old;
                return true;
            }

            // The device of that number went away; the number came back.
            if (old >= 0) Libc.Close(old);
            File.Delete(pin);
        }

        var kind = isEgress ? LibBpf.AttachEgress : LibBpf.AttachIngress;
        var link = LibBpf.CreateLink(program, device, kind, null);
        if (link < 0) return false;
        if (pin is not null && LibBpf.Pin(link, pin) != 0)
        {
            Libc.Close(link);
            return false;
        }

        _links[(device, isEgress)] = link;
        return true;
    }

    private bool TryFilter(int device, int program, bool isEgress, out string error)
    {
        error = "";
        var hook = HookOf(device, isEgress);
        var made = LibBpf.CreateHook(&hook);
        if (made != 0 && made != Exists)
        {
            error = System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(-made);
            return false;
        }

        var options = new LibBpf.TcOptions
        {
            Size = 28,
            Program = program,
            Flags = 1, // BPF_TC_F_REPLACE
            Handle = Handle,
            Priority = Priority,
        };
        var result = LibBpf.Attach(&hook, &options);
        if (result != 0)
        {
            error = System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(-result);
            return false;
        }

        _filters.Add((device, isEgress));
        return true;
    }

    private void Detach(int device, bool isEgress)
    {
        if (_links.Remove((device, isEgress), out var link))
        {
            Libc.Close(link);
            if (pins is not null && File.Exists(PinOf(device, isEgress)))
            {
                File.Delete(PinOf(device, isEgress));
            }
        }

        if (_filters.Remove((device, isEgress))) DetachFilter(device, isEgress);
    }

    /// <summary>Takes filters off that any process put there under our handle.</summary>
    public void DetachFilters(int device)
    {
        DetachFilter(device, isEgress: false);
        DetachFilter(device, isEgress: true);
    }

    private static void DetachFilter(int device, bool isEgress)
    {
        var hook = HookOf(device, isEgress);
        var options = new LibBpf.TcOptions { Size = 28, Handle = Handle, Priority = Priority };
        LibBpf.Detach(&hook, &options);
    }

    private static LibBpf.TcHook HookOf(int device, bool isEgress) => new()
    {
        Size = 20,
        Device = device,
        Point = isEgress ? 2 : 1,
    };

    /// <summary>Forgets the programs without taking them off: pinned ones stay at work.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var link in _links.Values) Libc.Close(link);
            _links.Clear();
        }
    }
}
