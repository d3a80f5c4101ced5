using System.Net.Sockets;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>fabric ofctl: flows and ports of a bridge over OpenFlow 1.3.</summary>
internal static class OfctlTool
{
    private const string Usage =
        "usage: fabric ofctl COMMAND BRIDGE [ARGUMENT]\n"
        + "  dump-flows BRIDGE [MATCH]     flows with their statistics\n"
        + "  add-flow BRIDGE FLOW          add or replace one flow\n"
        + "  add-flows BRIDGE FILE         flows, one a line (- for standard input)\n"
        + "  mod-flows BRIDGE FLOW         change the actions of flows that match\n"
        + "  del-flows BRIDGE [MATCH]      delete flows that match, or all\n"
        + "  dump-ports BRIDGE             statistics of ports\n"
        + "BRIDGE: a bridge's name, or unix:PATH of its management socket";

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var words = arguments.Where(word => !word.StartsWith('-') || word == "-").ToArray();
        if (words.Length < 2)
        {
            await (arguments is ["--help"] ? output : error).WriteLineAsync(Usage);
            return arguments is ["--help"] ? ExitCode.Ok : ExitCode.Usage;
        }

        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await using var bridge = await OpenFlowBridge.OpenAsync(PathOf(words[1]), limit.Token);
            await RunAsync(bridge, words[0], words.ElementAtOrDefault(2), output, limit.Token);
            return ExitCode.Ok;
        }
        catch (ToolException refused)
        {
            await error.WriteLineAsync($"fabric ofctl: {refused.Message}");
        }
        catch (Exception failed) when (failed is SocketException or IOException
            or OperationCanceledException)
        {
            await error.WriteLineAsync($"fabric ofctl: {words[1]}: {failed.Message}");
        }

        return ExitCode.Failed;
    }

    private static string PathOf(string bridge) =>
        bridge.StartsWith("unix:", StringComparison.Ordinal)
            ? bridge[5..]
            : Path.Combine(ToolVerbs.RunFolder, $"{bridge}.mgmt");

    private static async Task RunAsync(
        OpenFlowBridge bridge, string command, string? argument, TextWriter output,
        CancellationToken cancellation)
    {
        switch (command)
        {
            case "dump-flows":
                var filter = Parse(argument ?? "", FlowModCommand.Delete);
                await foreach (var reply in bridge.AskAsync(
                    new OfFlowStatsRequest(
                        filter.Match, filter.TableId, uint.MaxValue, uint.MaxValue, 0, 0,
                        IsAggregate: false, IsNicira: false), cancellation))
                {
                    if (reply is not OfFlowStatsReply flows) continue;
                    foreach (var flow in flows.Flows.AsEnumerable())
                    {
                        await output.WriteLineAsync(" " + OfFlowText.Format(flow));
                    }
                }

                break;
            case "dump-ports":
                await foreach (var reply in bridge.AskAsync(
                    new OfPortStatsRequest(uint.MaxValue), cancellation))
                {
                    if (reply is not OfPortStatsReply ports) continue;
                    foreach (var port in ports.Ports.AsEnumerable())
                    {
                        await output.WriteLineAsync(Format(port));
                    }
                }

                break;
            case "add-flow":
                await bridge.SendAsync([Parse(argument, FlowModCommand.Add)], cancellation);
                break;
            case "add-flows":
                var lines = argument is null or "-"
                    ? (await Console.In.ReadToEndAsync(cancellation)).Split('\n')
                    : await File.ReadAllLinesAsync(argument, cancellation);
                await bridge.SendAsync(
                    lines.Select(line => line.Split('#')[0].Trim()).Where(line => line != "")
                        .Select(line => Parse(line, FlowModCommand.Add)), cancellation);
                break;
            case "mod-flows":
                await bridge.SendAsync([Parse(argument, FlowModCommand.Modify)], cancellation);
                break;
            case "del-flows":
                await bridge.SendAsync(
                    [Parse(argument ?? "", FlowModCommand.Delete)], cancellation);
                break;
            default:
                throw new ToolException($"unknown command '{command}'\n{Usage}");
        }
    }

    private static string Format(OfPortStats port)
    {
        const uint Local = 0xFFFF_FFFE;
        var name = port.Port == Local ? "LOCAL" : $"{port.Port}";
        return $"  port {name,5}: rx pkts={port.ReceivePackets}, bytes={port.ReceiveBytes}, "
            + $"drop={port.ReceiveDropped}, errs={port.ReceiveErrors}, "
            + $"frame={port.ReceiveFrameErrors}, over={port.ReceiveOverErrors}, "
            + $"crc={port.ReceiveCrcErrors}\n"
            + $"              tx pkts={port.TransmitPackets}, bytes={port.TransmitBytes}, "
            + $"drop={port.TransmitDropped}, errs={port.TransmitErrors}, coll={port.Collisions}";
    }

    private static FlowMod Parse(string? text, FlowModCommand command)
    {
        if (text is null) throw new ToolException("a flow is missing");
        return OfFlowText.TryParse(text, command, out var mod, out var error)
            ? mod
            : throw new ToolException(error);
    }

    /// <summary>One OpenFlow connection to a bridge.</summary>
    private sealed class OpenFlowBridge : IAsyncDisposable
    {
        private static readonly OfCodecContext s_context = new(OfVersion.OpenFlow13);

        private readonly NetworkStream _stream;
        private uint _xid = 1;

        private OpenFlowBridge(NetworkStream stream) => _stream = stream;

        public static async Task<OpenFlowBridge> OpenAsync(
            string path, CancellationToken cancellation)
        {
            var socket = new Socket(
                AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            var bridge = new OpenFlowBridge(new NetworkStream(socket, ownsSocket: true));
            await bridge.WriteAsync(new OfHello(1u << (int)OfVersion.OpenFlow13), cancellation);
            if (await bridge.ReadAsync(cancellation) is not { Message: OfHello })
            {
                throw new ToolException("the bridge does not speak OpenFlow 1.3");
            }

            return bridge;
        }

        /// <summary>Sends changes, and waits until all are in force or one is refused.</summary>
        public async Task SendAsync(IEnumerable<OfMessage> messages, CancellationToken cancellation)
        {
            foreach (var message in messages) await WriteAsync(message, cancellation);
            await WriteAsync(new OfBarrierRequest(), cancellation);
            while ((await ReadAsync(cancellation)).Message is not OfBarrierReply)
            {
            }
        }

        public async IAsyncEnumerable<OfStatsReply> AskAsync(
            OfMessage request,
            [System.Runtime.CompilerServices.EnumeratorCancellation]
            CancellationToken cancellation)
        {
            await WriteAsync(request, cancellation);
            while (true)
            {
                if ((await ReadAsync(cancellation)).Message is not OfStatsReply reply) continue;
                yield return reply;
                if (!reply.HasMore) yield break;
            }
        }

        private async Task WriteAsync(OfMessage message, CancellationToken cancellation) =>
            await _stream.WriteAsync(
                OfEncoder.ToArray(message, _xid++, in s_context), cancellation);

        private async Task<OfEnvelope> ReadAsync(CancellationToken cancellation)
        {
            while (true)
            {
                var header = new byte[OfHeader.Size];
                await _stream.ReadExactlyAsync(header, cancellation);
                OfHeader.TryRead(header, out var parsed);
                if (parsed.Length < OfHeader.Size) throw new IOException("a message of no length");
                var frame = new byte[parsed.Length];
                header.CopyTo(frame, 0);
                await _stream.ReadExactlyAsync(frame.AsMemory(OfHeader.Size), cancellation);
                if (!OfDecoder.TryDecode(frame, in s_context, out var envelope, out _)) continue;
                switch (envelope.Message)
                {
                    case OfEchoRequest echo:
                        await WriteAsync(new OfEchoReply(echo.Data), cancellation);
                        break;
                    case OfErrorMessage error:
                        throw new ToolException($"the bridge refuses: {error.Code}");
                    default:
                        return envelope;
                }
            }
        }

        public ValueTask DisposeAsync() => _stream.DisposeAsync();
    }
}
