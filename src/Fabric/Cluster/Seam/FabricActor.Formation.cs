using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

public sealed partial class FabricActor
{
    private readonly FormationRule _formation;
    private readonly long _startedAt;

    private TimeSpan Now => _settings.Clock.GetElapsedTime(_startedAt);

    /// <summary>While in no cluster: tells all known hosts, and forms one if it must be.</summary>
    private void LookForOthers()
    {
        if (_members.IsMember || _start.Forms) return;
        var note = new FormationNote(_settings.HostId, false, _formation.Candidate(Now));
        foreach (var contact in _start.Contacts)
            Context.ActorSelection($"{contact}/user/{FabricSystem.RootName}").Tell(note, Self);
        if (!_formation.ShallForm(Now)) return;
        _log.Warning("No voter is in a cluster any more: {0} forms it again", _settings.HostId);
        _node.Join(_node.SelfAddress);
    }

    private void Hear(FormationNote note)
    {
        _formation.Hear(note, Now);
        if (_members.IsMember && !note.IsMember)
            Sender.Tell(new FormationNote(_settings.HostId, true, ""), Self);
    }
}
