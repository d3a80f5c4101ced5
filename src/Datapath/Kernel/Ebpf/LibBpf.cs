using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>Debian's libbpf1 (1.1 or later), and the bpf(2) calls that it wraps.</summary>
/// <remarks>Calls answer 0 or a descriptor, or a negative errno.</remarks>
internal static unsafe partial class LibBpf
{
    private const string Library = "libbpf.so.1";

    public const int AttachIngress = 46; // BPF_TCX_INGRESS
    public const int AttachEgress = 47;  // BPF_TCX_EGRESS
    public const ulong UpdateAny = 0;
    public const ulong UpdateNoExist = 1;

    [LibraryImport(Library, EntryPoint = "bpf_object__open_mem", SetLastError = true)]
    public static partial nint OpenObject(byte* bytes, nuint size, ObjectOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_object__load", SetLastError = true)]
    public static partial int LoadObject(nint handle);

    [LibraryImport(Library, EntryPoint = "bpf_object__close")]
    public static partial void CloseObject(nint handle);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_map_by_name",
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FindMap(nint handle, string name);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_map")]
    public static partial nint NextMap(nint handle, nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__name")]
    public static partial byte* MapName(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__fd")]
    public static partial int MapDescriptor(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_max_entries")]
    public static partial int SetMaxEntries(nint map, uint count);

    [LibraryImport(Library, EntryPoint = "bpf_map__max_entries")]
    public static partial uint MaxEntries(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__value_size")]
    public static partial uint ValueSize(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_pin_path",
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetPinPath(nint map, string path);

    [LibraryImport(Library, EntryPoint = "bpf_map__initial_value")]
    public static partial byte* InitialValue(nint map, nuint* size);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_program_by_name",
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FindProgram(nint handle, string name);

    [LibraryImport(Library, EntryPoint = "bpf_program__fd")]
    public static partial int ProgramDescriptor(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__set_log_buf")]
    public static partial int SetLogBuffer(nint program, byte* buffer, nuint size);

    [LibraryImport(Library, EntryPoint = "bpf_program__set_log_level")]
    public static partial int SetLogLevel(nint program, uint level);

    [LibraryImport(Library, EntryPoint = "libbpf_set_print")]
    public static partial nint SetPrint(nint callback);

    [LibraryImport(Library, EntryPoint = "bpf_link_create", SetLastError = true)]
    public static partial int CreateLink(int program, int device, int kind, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_update", SetLastError = true)]
    public static partial int UpdateLink(int link, int program, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_obj_pin", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Pin(int descriptor, string path);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetPinned(string path);

    public const uint LinkTcx = 11;

    /// <summary>struct bpf_link_info, bpf_prog_info or bpf_map_info of a descriptor.</summary>
    [LibraryImport(Library, EntryPoint = "bpf_obj_get_info_by_fd", SetLastError = true)]
    public static partial int Describe(int descriptor, void* info, uint* size);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_elem", SetLastError = true)]
    public static partial int Update(int map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem", SetLastError = true)]
    public static partial int Lookup(int map, void* key, void* value);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem_flags", SetLastError = true)]
    public static partial int LookupWith(int map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_elem", SetLastError = true)]
    public static partial int Delete(int map, void* key);

    /// <param name="key">Null: from the beginning.</param>
    [LibraryImport(Library, EntryPoint = "bpf_map_get_next_key", SetLastError = true)]
    public static partial int NextKey(int map, void* key, void* next);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_batch", SetLastError = true)]
    public static partial int LookupBatch(
        int map, void* from, void* next, void* keys, void* values, uint* count, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_batch", SetLastError = true)]
    public static partial int UpdateBatch(
        int map, void* keys, void* values, uint* count, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_batch", SetLastError = true)]
    public static partial int DeleteBatch(int map, void* keys, uint* count, void* options);

    [LibraryImport(Library, EntryPoint = "ring_buffer__new", SetLastError = true)]
    public static partial nint NewRing(
        int map, delegate* unmanaged<nint, byte*, nuint, int> callback, nint context,
        void* options);

    [LibraryImport(Library, EntryPoint = "ring_buffer__free")]
    public static partial void FreeRing(nint ring);

    [LibraryImport(Library, EntryPoint = "ring_buffer__consume")]
    public static partial int ConsumeRing(nint ring);

    [LibraryImport(Library, EntryPoint = "ring_buffer__epoll_fd")]
    public static partial int RingDescriptor(nint ring);

    [LibraryImport(Library, EntryPoint = "bpf_prog_test_run_opts", SetLastError = true)]
    public static partial int TestRun(int program, TestRunOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_tc_hook_create", SetLastError = true)]
    public static partial int CreateHook(TcHook* hook);

    [LibraryImport(Library, EntryPoint = "bpf_tc_hook_destroy", SetLastError = true)]
    public static partial int DestroyHook(TcHook* hook);

    [LibraryImport(Library, EntryPoint = "bpf_tc_attach", SetLastError = true)]
    public static partial int Attach(TcHook* hook, TcOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_tc_detach", SetLastError = true)]
    public static partial int Detach(TcHook* hook, TcOptions* options);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial byte* MapMemory(
        nint address, nuint size, int protection, int flags, int descriptor, long offset);

    public const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int UnmapMemory(byte* address, nuint size);

    /// <summary>struct bpf_object_open_opts.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    public struct ObjectOptions
    {
        [FieldOffset(0)] public nuint Size;
        [FieldOffset(8)] public byte* Name;
        [FieldOffset(56)] public byte* LogBuffer;
        [FieldOffset(64)] public nuint LogSize;
        [FieldOffset(72)] public uint LogLevel;
    }

    /// <summary>struct bpf_test_run_opts.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TestRunOptions
    {
        public nuint Size;
        public byte* DataIn;
        public byte* DataOut;
        public uint DataInSize;
        public uint DataOutSize;
        public byte* ContextIn;
        public byte* ContextOut;
        public uint ContextInSize;
        public uint ContextOutSize;
        public uint Result;
        public int Repeat;
        public uint Nanoseconds;
        public uint Flags;
        public uint Processor;
        public uint BatchSize;
    }

    /// <summary>struct bpf_tc_hook.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24)]
    public struct TcHook
    {
        [FieldOffset(0)] public nuint Size;
        [FieldOffset(8)] public int Device;
        [FieldOffset(12)] public int Point; // 1 ingress, 2 egress.
        [FieldOffset(16)] public uint Parent;
    }

    /// <summary>struct bpf_tc_opts.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    public struct TcOptions
    {
        [FieldOffset(0)] public nuint Size;
        [FieldOffset(8)] public int Program;
        [FieldOffset(12)] public uint Flags;
        [FieldOffset(16)] public uint ProgramId;
        [FieldOffset(20)] public uint Handle;
        [FieldOffset(24)] public uint Priority;
    }
}
