using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>One command line that is being executed.</summary>
/// <param name="Words">The words behind the command; the first is mostly a bridge.</param>
internal sealed class OfctlCall(
    OfctlOptions options, string[] words, TextWriter output, CancellationToken cancellation)
    : IAsyncDisposable
{
    private OpenFlowBridge? _bridge;

    public OfctlOptions Options => options;
    public string[] Words => words;

    /// <summary>Raised by commands that compare.</summary>
    public int ExitCode { get; set; }

    /// <summary>The n-th word, null when there is none.</summary>
    public string? Word(int index) => words.ElementAtOrDefault(index);

    /// <summary>The connection to the bridge that the first word names.</summary>
    /// <param name="least">Lower versions do not have what is asked.</param>
    public async Task<OpenFlowBridge> BridgeAsync(OfVersion least = OfVersion.OpenFlow10)
    {
        if (least != OfVersion.OpenFlow10 && options.Versions[^1] < least)
        {
            var number = (int)least - 1;
            throw new ToolException(
                $"this needs OpenFlow 1.{number} or later ('-O OpenFlow1{number}')");
        }

        return _bridge ??= await OpenFlowBridge.OpenAsync(
            words[0], options.Versions, options.Tls, cancellation);
    }

    /// <summary>The changes of a command, one by one or as a bundle.</summary>
    public async Task ChangeAsync(IEnumerable<OfMessage> changes)
    {
        var bridge = await BridgeAsync();
        if (options.IsBundle) await bridge.ChangeAtOnceAsync(changes);
        else await bridge.ChangeAsync(changes);
    }

    public Task PrintAsync(string line) => output.WriteLineAsync(line);

    /// <summary>"OFPST_PORT reply (OF1.3) (xid=0x2):": what heads an answer.</summary>
    public Task PrintHeadAsync(string name, OpenFlowBridge bridge, uint xid, string rest = "") =>
        PrintAsync($"{name}{bridge.VersionMark} (xid=0x{xid:x}):{rest}");

    /// <summary>Lines of a file, or of standard input for "-", without remarks.</summary>
    public async Task<IEnumerable<string>> LinesAsync(string file)
    {
        if (file != "-" && !File.Exists(file))
            throw new ToolException($"{file}: open failed (No such file or directory)");
        var text = file == "-"
            ? await Console.In.ReadToEndAsync(cancellation)
            : await File.ReadAllTextAsync(file, cancellation);
        return text.Split('\n').Select(line => line.Split('#')[0].Trim())
            .Where(line => line.Length > 0);
    }

    /// <summary>The number of a port that a word names: by number, reserved name or name.</summary>
    public async Task<uint> PortAsync(string word) => (await PortsAsync(word))[0].Port;

    public async Task<List<OfPortDescription>> PortsAsync(string? word)
    {
        var ports = await OfctlPorts.DescribeAsync(await BridgeAsync());
        if (word is null) return ports;
        var found = ports.Find(port => port.Name == word
            || (OfPort.TryParse(word, out var number) && port.Port == number));
        return found is not null
            ? [found]
            : throw new ToolException($"{words[0]}: couldn't find port `{word}'");
    }

    public async ValueTask DisposeAsync()
    {
        if (_bridge is not null) await _bridge.DisposeAsync();
    }
}
