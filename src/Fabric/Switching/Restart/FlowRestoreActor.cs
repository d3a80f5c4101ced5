using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.Switching;

/// <summary>Tells datapaths whether their tables are still being restored.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> of the Open_vSwitch database.
/// Says:   what other_config:flow-restore-wait of the root row is, to a callback, when it changes.
/// Holds:  what it said last.
/// Fails:  never by what it hears; started anew it hears the whole database again.
/// </remarks>
public sealed class FlowRestoreActor : ReceiveActor
{
    private bool? _isRestoring;

    /// <param name="tell">Called with true while flows are restored; must not wait.</param>
    public static Props Props(Action<bool> tell) =>
        Akka.Actor.Props.Create(() => new FlowRestoreActor(tell));

    public FlowRestoreActor(Action<bool> tell)
    {
        Receive<DatabaseChanged>(changed =>
        {
            var isRestoring = changed.After.Table("Open_vSwitch").First?
                .GetMapValue("other_config", "flow-restore-wait") == "true";
            if (isRestoring == _isRestoring) return;
            _isRestoring = isRestoring;
            tell(isRestoring);
        });
    }
}
