using System.Net.Sockets;

namespace Fabric;

/// <summary>Unix sockets of daemons that are starting.</summary>
internal static class ListeningSocket
{
    /// <returns>
    /// Whether somebody takes connections at the path. That the file is there is not enough: a
    /// socket has its name before it listens, and a client between the two is refused.
    /// </returns>
    public static bool IsAt(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
