using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Sends prepared messages in as few calls as the kernel lets one.</summary>
internal static unsafe class SocketSender
{
    /// <summary>A message that the kernel refuses is counted and skipped; the rest go on.</summary>
    /// <returns>How many were sent.</returns>
    public static int Send(
        int socket, Libc.MessageHeader* messages, int count, DropCounters drops, PacketPort port)
    {
        var sent = 0;
        for (var next = 0; next < count;)
        {
            var result = Libc.SendMessages(
                socket, messages + next, (uint)(count - next),
                LinuxNumbers.MessageDontWait | LinuxNumbers.MessageNoSignal);
            if (result > 0)
            {
                sent += result;
                next += result;
                continue;
            }

            var reason = ReasonOf(Libc.LastError);
            if (reason == DropReason.PortQueueFull)
            {
                // The queue will not empty while we look at it: drop what is left, as a NIC does.
                drops.Add(reason, (ulong)(count - next));
                return sent;
            }

            drops.Add(reason);
            port.CountTransmitError();
            next++;
        }

        return sent;
    }

    private static DropReason ReasonOf(int error) => error switch
    {
        LinuxNumbers.ErrorAgain or LinuxNumbers.ErrorNoBuffers => DropReason.PortQueueFull,
        LinuxNumbers.ErrorMessageSize => DropReason.MtuExceeded,
        LinuxNumbers.ErrorNetworkUnreachable => DropReason.TunnelNoRoute,
        LinuxNumbers.ErrorHostUnreachable => DropReason.TunnelNoNeighbour,
        LinuxNumbers.ErrorInvalid => DropReason.SegmentationFailed,
        _ => DropReason.PortDown,
    };
}
