using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// Carries frames between actor systems: TCP in production, memory in simulations.
/// </summary>
internal interface IRemoteTransport
{
    /// <summary>Begins to accept connections.</summary>
    /// <param name="accepted">Called with each connection before its first frame is read.</param>
    /// <returns>The port.</returns>
    /// <exception cref="RemoteTransportException">The address cannot be bound.</exception>
    int Listen(Action<IRemoteConnection> accepted);

    /// <summary>
    /// Connects; exactly one of the callbacks is called, never from within the call.
    /// </summary>
    void Connect(
        Address remote, Action<IRemoteConnection> connected, Action<Exception> failed);

    void Shutdown();
}

/// <summary>One connection; frames arrive whole, in order and at most once.</summary>
internal interface IRemoteConnection
{
    /// <summary>
    /// Who is at the other end, for log lines: certificate name and network address.
    /// </summary>
    string PeerName { get; }

    /// <summary>What the certificate of the other end says.</summary>
    PeerIdentity Identity { get; }

    /// <summary>
    /// Begins to read. Callbacks come one at a time; <c>closed</c> once, as the last.
    /// </summary>
    void Start(FrameHandler received, Action<string> closed);

    /// <summary>Queues a frame (without length prefix).</summary>
    /// <returns>False if the connection is closed or its queue is full.</returns>
    bool TrySend(byte[] frame);

    /// <summary>Sends what is queued and closes.</summary>
    void Close(string reason);
}

internal delegate void FrameHandler(ReadOnlySpan<byte> frame);
