using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>Keeps the host's own TCP from answering STT segments, and raw sockets narrow.</summary>
/// <remarks>
/// A raw socket gets a copy of each segment; TCP gets the other and would reset a connection that
/// it does not know. A listening socket of the port whose filter takes nothing makes it drop them
/// silently.
/// </remarks>
internal static unsafe class SttSockets
{
    private const int AttachFilter = 26;
    private const int SocketStream = 1;
    private const int LevelIpv6 = 41;
    private const int Ipv6Only = 26;

    // Classic BPF (linux/filter.h).
    private const ushort LoadHeaderSize = 0xB1; // x = 4 * (byte[k] & 15)
    private const ushort LoadHalfAtX = 0x48;
    private const ushort LoadHalf = 0x28;
    private const ushort JumpEqual = 0x15;
    private const ushort Return = 0x06;

    /// <summary>Lets only segments to the tunnel's port through.</summary>
    public static void Filter(int socket, bool isIpv6, TunnelPortSpec tunnel)
    {
        // Raw sockets see the IPv4 header, but not that of IPv6.
        ReadOnlySpan<Instruction> program = isIpv6
            ?
            [
                new(LoadHalf, 0, 0, 2), new(JumpEqual, 0, 1, tunnel.DestinationPort),
                new(Return, 0, 0, uint.MaxValue), new(Return, 0, 0, 0),
            ]
            :
            [
                new(LoadHeaderSize, 0, 0, 0), new(LoadHalfAtX, 0, 0, 2),
                new(JumpEqual, 0, 1, tunnel.DestinationPort),
                new(Return, 0, 0, uint.MaxValue), new(Return, 0, 0, 0),
            ];
        Attach(socket, program);
    }

    /// <summary>Opens the socket that keeps TCP silent; negative when the port is taken.</summary>
    public static int OpenSilencer(bool isIpv6, TunnelPortSpec tunnel)
    {
        var family = isIpv6 ? LinuxNumbers.FamilyInet6 : LinuxNumbers.FamilyInet;
        var socket = Libc.Socket(family, SocketStream | LinuxNumbers.SocketCloseOnExec, 0);
        if (socket < 0) return socket;
        Attach(socket, [new(Return, 0, 0, 0)]);
        if (isIpv6) Libc.SetOption(socket, LevelIpv6, Ipv6Only, 1);
        Libc.SetOption(socket, LinuxNumbers.LevelSocket, LinuxNumbers.ReuseAddress, 1);
        var address = stackalloc byte[28];
        new Span<byte>(address, 28).Clear();
        *(ushort*)address = (ushort)family;
        *(ushort*)(address + 2) = BinaryPrimitives.ReverseEndianness(tunnel.DestinationPort);
        if (Libc.Bind(socket, address, isIpv6 ? 28 : 16) == 0 && Libc.Listen(socket, 1) == 0)
        {
            return socket;
        }

        var error = Libc.LastError;
        Libc.Close(socket);
        Marshal.SetLastPInvokeError(error);
        return -1;
    }

    private static void Attach(int socket, ReadOnlySpan<Instruction> program)
    {
        fixed (Instruction* first = program)
        {
            var description = new Program { Count = (ushort)program.Length, First = first };
            Libc.SetSocketOption(
                socket, LinuxNumbers.LevelSocket, AttachFilter, &description, sizeof(Program));
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Count;
        public Instruction* First;
    }
}
