using System.Net;
using System.Text;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Observability;

/// <summary>Answers GET /metrics over HTTP.</summary>
/// <remarks>
/// Hears:  each request of its own listener, one at a time: a scraper that hurries waits.
/// Says:   nothing.
/// Holds:  the listener.
/// Fails:  when the address cannot be bound; its parent starts it anew.
/// </remarks>
public sealed class MetricsActor : ReceiveActor
{
    private readonly HttpListener _listener = new();
    private readonly Func<string> _render;
    private readonly string _prefix;

    private sealed record Asked(HttpListenerContext Request);

    private sealed record Ended(Exception Cause);

    /// <param name="address">Loopback unless the operator wrote otherwise.</param>
    public static Props Props(IPAddress address, int port, Func<string> render) =>
        Akka.Actor.Props.Create(() => new MetricsActor(address, port, render));

    public MetricsActor(IPAddress address, int port, Func<string> render)
    {
        _render = render;
        var isIpv6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        _prefix = isIpv6 ? $"http://[{address}]:{port}/" : $"http://{address}:{port}/";
        Receive<Asked>(asked =>
        {
            Answer(asked.Request);
            Listen();
        });
        Receive<Ended>(ended =>
        {
            Context.GetLogger().Warning("metrics: {0}", ended.Cause.Message);
            Context.Stop(Self);
        });
    }

    protected override void PreStart()
    {
        _listener.Prefixes.Add(_prefix);
        _listener.Start();
        Context.GetLogger().Info("metrics at {0}metrics", _prefix);
        Listen();
    }

    protected override void PostStop() => _listener.Close();

    private void Listen() => _listener.GetContextAsync().PipeTo(
        Self, success: request => new Asked(request), failure: cause => new Ended(cause));

    private void Answer(HttpListenerContext context)
    {
        using var response = context.Response;
        if (context.Request.HttpMethod != "GET" || context.Request.Url?.AbsolutePath != "/metrics")
        {
            response.StatusCode = 404;
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(_render());
        response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        response.ContentLength64 = bytes.Length;
        try
        {
            response.OutputStream.Write(bytes);
        }
        catch (HttpListenerException)
        {
            // The scraper went away.
        }
    }
}
