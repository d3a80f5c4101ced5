using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fabric.HostNode.Demo;

namespace Fabric.Benchmarks;

/// <summary>
/// Network namespaces, programs and load generators of one benchmark; all end with it.
/// </summary>
/// <remarks>Names carry the process id, so that several runs can share a machine.</remarks>
public sealed class Lab : IDisposable
{
    private readonly List<string> _namespaces = [];
    private readonly List<Process> _processes = [];

    /// <summary>A scratch folder, removed at the end.</summary>
    public string Folder { get; } =
        Directory.CreateTempSubdirectory("fabric-bench-").FullName;

    /// <summary>Makes a namespace `fx-b-PID-NAME`, loopback up, and gives back its name.</summary>
    public string Namespace(string name)
    {
        var full = $"fx-b-{Environment.ProcessId}-{name}";
        Run("ip", "netns", "add", full);
        _namespaces.Add(full);
        Run("ip", "-n", full, "link", "set", "lo", "up");
        return full;
    }

    /// <summary>
    /// A veth pair: 'inner' with an address (CIDR) inside one namespace, 'outer' in another one.
    /// </summary>
    public void Veth(string innerNamespace, string inner, string address,
        string outerNamespace, string outer, int mtu = 1500)
    {
        Run("ip", "-n", outerNamespace, "link", "add", outer, "type", "veth", "peer", "name",
            inner, "netns", innerNamespace);
        Run("ip", "-n", innerNamespace, "link", "set", inner, "mtu", $"{mtu}", "up");
        Run("ip", "-n", outerNamespace, "link", "set", outer, "mtu", $"{mtu}", "up");
        if (address.Length == 0) return;
        Run("ip", "-n", innerNamespace, "addr", "add", address, "dev", inner);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; it says why.</exception>
    public static string Run(string program, params string[] arguments)
    {
        var result = Shell.RunAsync(program, arguments, null, TimeSpan.FromMinutes(5)).Result;
        return result.Succeeded ? result.Output : throw new InvalidOperationException(
            $"{program} {string.Join(' ', arguments)}: {result.Error.Trim()} "
                + result.Output.Trim());
    }

    /// <summary>Runs a program inside a namespace, entered by setns.</summary>
    public static string RunIn(string name, params string[] command) =>
        Run("nsenter", [$"--net=/run/netns/{name}", "--", .. command]);

    /// <summary>Starts a program that ends with the lab, in a namespace or ("") outside.</summary>
    public Process Start(
        string name, IReadOnlyDictionary<string, string>? environment, params string[] command)
    {
        string[] words = name.Length == 0
            ? command : ["nsenter", $"--net=/run/netns/{name}", "--", .. command];
        var info = Shell.Info(words[0], words[1..], environment);
        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
        return process;
    }

    /// <summary>One TCP stream by iperf3 for so many seconds; the receiver's Gbit/s.</summary>
    public double TcpGigabits(string client, string server, string address, int seconds)
    {
        using var listener = Start(server, null, "iperf3", "-s", "-1", "-B", address);
        var json = "";
        WaitUntil(() =>
        {
            var result = Shell.RunAsync("nsenter",
                [
                    $"--net=/run/netns/{client}", "--", "iperf3", "-c", address, "-t",
                    $"{seconds}", "-J",
                ],
                null, TimeSpan.FromSeconds(seconds + 20)).Result;
            json = result.Output;
            return result.Succeeded; // Refused while the listener is not there yet.
        }, TimeSpan.FromSeconds((2 * seconds) + 30), "iperf3 reaches its server");
        Ended(listener);
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("end").GetProperty("sum_received")
            .GetProperty("bits_per_second").GetDouble() / 1e9;
    }

    /// <summary>Average round trip in microseconds of 'count' pings, one each 2 ms.</summary>
    public static double PingMicroseconds(string client, string address, int count)
    {
        var text = RunIn(client, "ping", "-n", "-q", "-i", "0.002", "-c", $"{count}", address);
        var averages = text[(text.LastIndexOf('=') + 1)..].Split('/')[1];
        return double.Parse(averages, CultureInfo.InvariantCulture) * 1000;
    }

    /// <summary>Tries again, each 20 ms, until it holds.</summary>
    /// <exception cref="TimeoutException">It did not come to hold.</exception>
    public static void WaitUntil(Func<bool> holds, TimeSpan limit, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!holds())
        {
            if (watch.Elapsed > limit) throw new TimeoutException($"{what}: not within {limit}");
            Thread.Sleep(20);
        }
    }

    /// <summary>Ends a program of this lab, by its process id.</summary>
    public void Ended(Process process)
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        _processes.Remove(process);
    }

    public void Dispose()
    {
        foreach (var process in _processes.ToArray())
        {
            Ended(process);
            process.Dispose();
        }

        foreach (var name in _namespaces)
        {
            _ = Shell.RunAsync("ip", ["netns", "del", name]).Result;
        }

        Directory.Delete(Folder, recursive: true);
    }
}
