using Akka.Actor;
using Akka.Event;

namespace Fabric.Switching;

/// <summary>Gives devices their queues and ports their policers.</summary>
/// <remarks>
/// Hears:  <see cref="ShapingWanted"/> from the configuration, whole.
/// Says:   <see cref="ShapingReconciled"/> to whom it heard from.
/// Holds:  which errors it has told. What is in force is in the <see cref="Shaper"/>.
/// Fails:  never by a device, which fails as a line in the log. Its parent makes it anew, and the
///         configuration tells it what is not yet in force.
/// </remarks>
public sealed class ShapingActor : ReceiveActor
{
    private readonly Shaper _shaper;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context.System, "netdev_linux");
    private readonly Dictionary<string, string> _errors = [];

    public static Props Props(Shaper shaper) =>
        Akka.Actor.Props.Create(() => new ShapingActor(shaper));

    public ShapingActor(Shaper shaper)
    {
        _shaper = shaper;
        Receive<ShapingWanted>(wanted =>
        {
            var devices = wanted.Interfaces.Where(each => each.Device != 0).ToArray();
            foreach (var gone in _shaper.Names.Except(devices.Select(each => each.Name)))
            {
                _errors.Remove(gone);
                _shaper.Release(gone);
            }

            foreach (var each in devices) Shape(each);
            Sender.Tell(new ShapingReconciled(wanted.Revision));
        });
    }

    /// <remarks>Who is made anew is introduced again, and so told again what to do.</remarks>
    protected override void PreRestart(Exception reason, object message)
    {
        base.PreRestart(reason, message);
        Context.Stop(Self);
    }

    private void Shape(InterfaceShape shape)
    {
        if (_shaper.Shape(shape) is not { } error)
        {
            _errors.Remove(shape.Name);
            return;
        }

        var text = $"{shape.Name}: {shape.Queueing?.Type}: {error}";
        if (_errors.GetValueOrDefault(shape.Name) == text) return;
        _errors[shape.Name] = text;
        _log.Warning("failed to lay out queues of {0}", text);
    }
}
