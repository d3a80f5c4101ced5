using System.Diagnostics;
using System.Text;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>A program that runs until it is disposed; what it says is kept.</summary>
internal sealed class NamespaceDaemon : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private NamespaceDaemon(ProcessStartInfo info)
    {
        _process = Process.Start(info)!;
        _process.OutputDataReceived += Append;
        _process.ErrorDataReceived += Append;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

    /// <summary>Starts it in a workload's namespace.</summary>
    public static NamespaceDaemon Start(DemoWorkload where, params string[] command)
    {
        string[] words = [.. where.Namespace.Prefix, .. command];
        return new NamespaceDaemon(Shell.Info(words[0], words[1..], null));
    }

    /// <summary>Starts one of our own verbs beside a host node.</summary>
    public static NamespaceDaemon StartFabric(DemoHost host, params string[] arguments)
    {
        var words = Fabric.HostNode.Cli.Executable.Words;
        return new NamespaceDaemon(
            Shell.Info(words[0], [.. words[1..], .. arguments], host.Environment));
    }

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    private void Append(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_output) _output.AppendLine(line.Data);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
