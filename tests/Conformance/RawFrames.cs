using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>Sends frames as they are, byte by byte, out of a workload's eth0.</summary>
internal static class RawFrames
{
    /// <summary>Destination, source; the type and what follows is the caller's.</summary>
    public const string Addresses = "ffffffffffff" + "020000000099";

    /// <param name="frames">Frames in hex, from the destination address on.</param>
    public static async Task SendAsync(DemoWorkload from, params string[] frames)
    {
        var link = await from.Namespace.IpAsync("-o", "link", "show", "dev", "eth0");
        var index = int.Parse(link[..link.IndexOf(':', StringComparison.Ordinal)],
            CultureInfo.InvariantCulture);
        using var socket = from.Namespace.Inside(() => new Socket(
            AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified));
        socket.Bind(new LinkEndPoint(index));
        foreach (var frame in frames)
        {
            await socket.SendAsync(Convert.FromHexString(frame), SocketFlags.None);
        }
    }

    /// <summary>sockaddr_ll with the interface's index only.</summary>
    private sealed class LinkEndPoint(int index) : EndPoint
    {
        private const int Size = 20;
        private const int IndexOffset = 4;

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, Size);
            var bytes = BitConverter.GetBytes(index); // Host order, as the kernel has it.
            for (var at = 0; at < bytes.Length; at++) address[IndexOffset + at] = bytes[at];
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}
