using System.Management;
using System.Runtime.Versioning;

namespace Fabric.HostNode.Windows;

/// <summary>WMI itself, through System.Management. Not yet run on a Hyper-V host.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ManagementWmiSession : IWmiSession
{
    private const uint JobStarted = 4096;
    private static readonly TimeSpan JobPatience = TimeSpan.FromSeconds(30);

    private readonly ManagementScope _scope;

    public ManagementWmiSession(string path)
    {
        _scope = new ManagementScope(path);
    }

    public IReadOnlyList<WmiObject> Query(string wql) => Guarded(() =>
    {
        Connect();
        using var searcher = new ManagementObjectSearcher(_scope, new ObjectQuery(wql));
        using var found = searcher.Get();
        var all = new List<WmiObject>();
        foreach (var item in found.Cast<ManagementObject>())
        {
            using (item) all.Add(Copy(item));
        }

        return all;
    });

    public WmiObject Create(string className) => Guarded(() =>
    {
        Connect();
        using var type = new ManagementClass(_scope, new ManagementPath(className), null);
        using var item = type.CreateInstance();
        var copy = Copy(item);
        return copy with
        {
            Properties = new Dictionary<string, object?>(copy.Properties)
            {
                ["__CLASS"] = className,
            },
        };
    });

    public string Text(WmiObject changed) => Guarded(() =>
    {
        Connect();
        using var item = changed.Path.Length > 0
            ? new ManagementObject(_scope, new ManagementPath(changed.Path), null)
            : NewInstance(changed.Text("__CLASS"));
        foreach (var (name, value) in changed.Properties)
        {
            if (name.StartsWith("__", StringComparison.Ordinal) || value is null) continue;
            if (Equals(item[name], value)) continue;
            item[name] = value;
        }

        return item.GetText(TextFormat.WmiDtd20);
    });

    public uint Invoke(
        WmiObject target, string method, IReadOnlyDictionary<string, object> parameters) =>
        Guarded(() =>
        {
            Connect();
            using var item = new ManagementObject(
                _scope, new ManagementPath(target.Path), null);
            using var input = item.GetMethodParameters(method);
            foreach (var (name, value) in parameters) input[name] = value;
            using var output = item.InvokeMethod(method, input, null);
            var result = Convert.ToUInt32(output["ReturnValue"]);
            return result == JobStarted && output["Job"] is string job ? Await(job) : result;
        });

    public IDisposable Watch(string wql, Action changed) => Guarded<IDisposable>(() =>
    {
        Connect();
        var watcher = new ManagementEventWatcher(_scope, new EventQuery(wql));
        watcher.EventArrived += (_, _) => changed();
        watcher.Start();
        return watcher;
    });

    public void Dispose()
    {
    }

    private ManagementObject NewInstance(string className)
    {
        using var type = new ManagementClass(_scope, new ManagementPath(className), null);
        return type.CreateInstance();
    }

    /// <summary>4096 when the job ended well, else its error.</summary>
    private uint Await(string path)
    {
        const int Completed = 7;
        using var pause = new ManualResetEventSlim(false);
        for (var waited = TimeSpan.Zero; waited < JobPatience;
            waited += TimeSpan.FromMilliseconds(100))
        {
            using var job = new ManagementObject(_scope, new ManagementPath(path), null);
            job.Get();
            var state = Convert.ToInt32(job["JobState"]);
            if (state == Completed) return JobStarted;
            if (state > Completed) throw new WmiException($"{job["ErrorDescription"]}");
            pause.Wait(TimeSpan.FromMilliseconds(100));
        }

        throw new WmiException("a job of Hyper-V does not end");
    }

    private void Connect()
    {
        if (!_scope.IsConnected) _scope.Connect();
    }

    private static WmiObject Copy(ManagementBaseObject item)
    {
        var properties = new Dictionary<string, object?>();
        foreach (var property in item.Properties) properties[property.Name] = property.Value;
        return new WmiObject((item as ManagementObject)?.Path.Path ?? "", properties);
    }

    private static T Guarded<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception error) when (error is ManagementException
            or System.Runtime.InteropServices.COMException or UnauthorizedAccessException)
        {
            throw new WmiException(error.Message, error);
        }
    }
}
