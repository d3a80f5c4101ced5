using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Fabric.Controllers;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;
using TlsSettings = Fabric.Controllers.TlsSettings;

namespace Fabric.HostNode.Tools;

/// <summary>One OpenFlow connection to a bridge.</summary>
internal sealed class OpenFlowBridge : IAsyncDisposable
{
    private const int DefaultPort = 6653;

    private readonly Stream _stream;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<uint, OfMessage> _sent = [];
    private OfCodecContext _context;
    private uint _xid;

    private OpenFlowBridge(
        Stream stream, OfCodecContext context, CancellationToken cancellation)
    {
        _stream = stream;
        _context = context;
        _cancellation = cancellation;
    }

    public OfVersion Version => _context.Version;

    /// <summary>"" for OpenFlow 1.0, " (OF1.3)" and the like: as answers are headed.</summary>
    public string VersionMark => _context.IsVersion10 ? "" : $" (OF1.{(int)Version - 1})";

    public static async Task<OpenFlowBridge> OpenAsync(
        string target, OfVersion[] versions, TlsSettings tls, CancellationToken cancellation)
    {
        var stream = await ConnectAsync(target, tls, cancellation);
        var highest = new OfCodecContext(versions[^1]);
        var bits = versions.Aggregate(0u, (all, version) => all | (1u << (int)version));
        var bridge = new OpenFlowBridge(stream, highest, cancellation);
        await bridge.SendAsync(new OfHello(bits));
        bridge._context = new OfCodecContext(await bridge.NegotiateAsync(target, bits));
        return bridge;
    }

    private static async Task<Stream> ConnectAsync(
        string text, TlsSettings tls, CancellationToken cancellation)
    {
        var target = TargetOf(text);
        var isUnix = target.Kind == StreamKind.Unix;
        if (isUnix && !Path.Exists(target.Path))
        {
            throw new ToolException($"connecting to {text} (No such file or directory)");
        }

        var socket = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        EndPoint address = isUnix
            ? new UnixDomainSocketEndPoint(target.Path)
            : new DnsEndPoint(target.Host.Trim('[', ']'), target.Port);
        try
        {
            await socket.ConnectAsync(address, cancellation);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (target.Kind != StreamKind.Tls) return stream;
            var options = tls.ClientOptions(target.Host) ?? throw new ToolException(
                "ssl: needs --private-key, --certificate and --ca-cert");
            var secure = new SslStream(stream);
            await secure.AuthenticateAsClientAsync(options, cancellation);
            return secure;
        }
        catch (Exception refused) when (refused is SocketException or AuthenticationException)
        {
            socket.Dispose();
            throw new ToolException($"connecting to {text} ({refused.Message})");
        }
    }

    /// <summary>A bridge's name, or "unix:", "tcp:" and "ssl:" with what each takes.</summary>
    private static StreamTarget TargetOf(string text)
    {
        if (StreamTarget.TryParse(text, DefaultPort, out var target) && !target.IsPassive)
            return target;
        var path = Path.Combine(ToolVerbs.RunFolder, $"{text}.mgmt");
        return File.Exists(path)
            ? new StreamTarget(StreamKind.Unix, false, "", DefaultPort, path)
            : throw new ToolException($"{text} is not a bridge or a socket");
    }

    private async Task<OfVersion> NegotiateAsync(string target, uint ours)
    {
        if (Decode(await ReadFrameAsync()) is not { Message: OfHello hello })
            throw new ToolException($"{target}: the peer does not begin with a hello");
        var both = hello.Versions & ours;
        if (both == 0)
        {
            throw new ToolException(
                $"{target}: version negotiation failed (the switch speaks none of these "
                + "versions of OpenFlow)");
        }

        return (OfVersion)(31 - System.Numerics.BitOperations.LeadingZeroCount(both));
    }

    /// <summary>Sends changes, and waits until all are in force or one is refused.</summary>
    public async Task ChangeAsync(IEnumerable<OfMessage> messages)
    {
        foreach (var message in messages) await SendAsync(message);
        await AskAsync<OfBarrierReply>(new OfBarrierRequest());
    }

    /// <summary>All of it or nothing (OpenFlow 1.4, and an extension of 1.3 and before).</summary>
    public async Task ChangeAtOnceAsync(IEnumerable<OfMessage> messages)
    {
        const BundleFlags Flags = BundleFlags.Atomic | BundleFlags.Ordered;
        await AskAsync<OfBundleControl>(
            new OfBundleControl(1, BundleControlType.OpenRequest, Flags));
        foreach (var message in messages)
        {
            await AllowTablesAsync(message);
            await SendAsync(new OfBundleAdd(1, Flags, _xid + 1, message));
        }

        await AskAsync<OfBundleControl>(
            new OfBundleControl(1, BundleControlType.CommitRequest, Flags));
    }

    /// <summary>A request with one answer.</summary>
    public async Task<(uint Xid, T Reply)> AskAsync<T>(OfMessage request)
        where T : OfMessage
    {
        await SendAsync(request);
        while (true)
        {
            var envelope = await ReadAsync();
            if (envelope.Message is T reply) return (envelope.Xid, reply);
        }
    }

    /// <summary>A request whose answer comes in one or more parts.</summary>
    public async Task<(uint Xid, List<T> Parts)> AskAllAsync<T>(OfMessage request)
        where T : OfStatsReply
    {
        await SendAsync(request);
        var parts = new List<T>();
        while (true)
        {
            var envelope = await ReadAsync();
            if (envelope.Message is not T part) continue;
            parts.Add(part);
            if (!part.HasMore) return (envelope.Xid, parts);
        }
    }

    public async Task SendAsync(OfMessage message)
    {
        await AllowTablesAsync(message);
        var bytes = OfEncoder.ToArray(message, ++_xid, in _context);
        if (bytes.Length == 0)
        {
            throw new ToolException(
                $"OpenFlow 1.{(int)Version - 1} cannot say this; see '-O OpenFlow13' and above");
        }

        _sent[_xid] = message;
        await _stream.WriteAsync(bytes, _cancellation);
    }

    /// <summary>OpenFlow 1.0 has one table, until an extension is switched on.</summary>
    private async Task AllowTablesAsync(OfMessage message)
    {
        if (message is not FlowMod { TableId: not (0 or FlowMod.AllTables) }
            || !_context.IsVersion10 || _context.FlowModTableId) return;
        await SendAsync(new OfFlowModTableId(true));
        _context = _context with { FlowModTableId = true };
    }

    public async Task<OfEnvelope> ReadAsync()
    {
        while (true)
        {
            if (Decode(await ReadFrameAsync()) is not { } envelope) continue;
            switch (envelope.Message)
            {
                case OfEchoRequest echo:
                    await SendAsync(new OfEchoReply(echo.Data));
                    break;
                case OfErrorMessage error:
                    throw Refused(envelope.Xid, error);
                default:
                    return envelope;
            }
        }
    }

    /// <summary>The body of an answer that the codec does not read.</summary>
    public async Task<(uint Xid, byte[] Body)> AskBytesAsync(OfMessage request)
    {
        await SendAsync(request);
        while (true)
        {
            var frame = await ReadFrameAsync();
            OfHeader.TryRead(frame, out var header);
            if (header.Xid != _xid) continue;
            if (Decode(frame)?.Message is OfErrorMessage error) throw Refused(_xid, error);
            return (_xid, frame[OfHeader.Size..]);
        }
    }

    private OfctlRefusal Refused(uint xid, OfErrorMessage error)
    {
        _sent.TryGetValue(xid, out var cause);
        return new OfctlRefusal(OfctlText.Refusal(this, xid, error, cause));
    }

    /// <summary>Null: a message that this program does not know.</summary>
    private OfEnvelope? Decode(byte[] frame) =>
        OfDecoder.TryDecode(frame, in _context, out var envelope, out _) ? envelope : null;

    private async Task<byte[]> ReadFrameAsync()
    {
        var header = new byte[OfHeader.Size];
        await _stream.ReadExactlyAsync(header, _cancellation);
        OfHeader.TryRead(header, out var parsed);
        if (parsed.Length < OfHeader.Size) throw new IOException("a message of no length");
        var frame = new byte[parsed.Length];
        header.CopyTo(frame, 0);
        await _stream.ReadExactlyAsync(frame.AsMemory(OfHeader.Size), _cancellation);
        return frame;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
