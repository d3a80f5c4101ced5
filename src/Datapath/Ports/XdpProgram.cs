using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>The program that hands a device's packets to AF_XDP sockets by queue.</summary>
/// <remarks>
/// Five instructions: redirect into a map of sockets by receive queue; queues without a socket go
/// on to the host. Program and attachment end with this object.
/// </remarks>
internal sealed unsafe class XdpProgram : IDisposable
{
    // bpf(2) commands and numbers (linux/bpf.h, linux/if_link.h).
    private const int MapCreate = 0;
    private const int MapUpdate = 2;
    private const int ProgramLoad = 5;
    private const int LinkCreate = 28;
    private const uint MapTypeSockets = 17;
    private const uint ProgramTypeXdp = 6;
    private const uint AttachXdp = 37;
    private const int AttributesSize = 128;
    private const uint QueuesMax = 64;

    private readonly int _map, _program, _link;

    private XdpProgram(int map, int program, int link, bool isNative)
    {
        (_map, _program, _link) = (map, program, link);
        IsNative = isNative;
    }

    /// <summary>The driver runs it, before a packet costs an skb.</summary>
    public bool IsNative { get; }

    /// <summary>Native where the driver can and 'isGeneric' does not forbid it.</summary>
    public static XdpProgram? TryAttach(int interfaceIndex, bool isGeneric, out string error)
    {
        error = "";
        var map = NewMap();
        var program = map < 0 ? -1 : Load(map);
        if (program >= 0)
        {
            const uint Generic = 2, Native = 4;
            var link = isGeneric ? -1 : Attach(program, interfaceIndex, Native);
            var isNative = link >= 0;
            if (link < 0) link = Attach(program, interfaceIndex, Generic);
            if (link >= 0) return new XdpProgram(map, program, link, isNative);
        }

        error = Libc.LastErrorText();
        if (program >= 0) Libc.Close(program);
        if (map >= 0) Libc.Close(map);
        return null;
    }

    /// <summary>From now on the queue's packets go to this socket.</summary>
    public bool TrySet(uint queue, int socket)
    {
        var attributes = stackalloc byte[AttributesSize];
        new Span<byte>(attributes, AttributesSize).Clear();
        *(int*)attributes = _map;
        *(ulong*)(attributes + 8) = (ulong)&queue;
        *(ulong*)(attributes + 16) = (ulong)&socket;
        return Call(MapUpdate, attributes) == 0;
    }

    private static int NewMap()
    {
        var attributes = stackalloc byte[AttributesSize];
        new Span<byte>(attributes, AttributesSize).Clear();
        var words = (uint*)attributes;
        (words[0], words[1], words[2], words[3]) = (MapTypeSockets, 4, 4, QueuesMax);
        return Call(MapCreate, attributes);
    }

    private static int Load(int map)
    {
        const uint Pass = 2;
        const int RedirectMap = 51;
        const int QueueOffset = 16; // struct xdp_md, rx_queue_index
        Span<Instruction> program =
        [
            new(0x61, 0x12, QueueOffset, 0), // r2 = queue
            new(0x18, 0x11, 0, map), new(0, 0, 0, 0), // r1 = map
            new(0xB7, 0x03, 0, (int)Pass), // r3 = what to do without a socket
            new(0x85, 0x00, 0, RedirectMap),
            new(0x95, 0x00, 0, 0),
        ];
        var license = "GPL\0"u8;
        var attributes = stackalloc byte[AttributesSize];
        new Span<byte>(attributes, AttributesSize).Clear();
        fixed (Instruction* instructions = program)
        fixed (byte* name = license)
        {
            *(uint*)attributes = ProgramTypeXdp;
            *(int*)(attributes + 4) = program.Length;
            *(ulong*)(attributes + 8) = (ulong)instructions;
            *(ulong*)(attributes + 16) = (ulong)name;
            return Call(ProgramLoad, attributes);
        }
    }

    private static int Attach(int program, int interfaceIndex, uint flags)
    {
        var attributes = stackalloc byte[AttributesSize];
        new Span<byte>(attributes, AttributesSize).Clear();
        *(int*)attributes = program;
        *(int*)(attributes + 4) = interfaceIndex;
        *(uint*)(attributes + 8) = AttachXdp;
        *(uint*)(attributes + 12) = flags;
        return Call(LinkCreate, attributes);
    }

    private static int Call(int command, byte* attributes)
    {
        var number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 321 : 280;
        return (int)Libc.SystemCall(number, command, attributes, AttributesSize);
    }

    public void Dispose()
    {
        Libc.Close(_link);
        Libc.Close(_program);
        Libc.Close(_map);
    }

    /// <summary>struct bpf_insn; registers: destination in the low bits, then source.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(byte Code, byte Registers, short Offset, int Value);
}
