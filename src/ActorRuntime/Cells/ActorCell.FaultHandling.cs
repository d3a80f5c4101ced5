#nullable disable
using Akka.Event;

namespace Akka.Actor;

internal sealed partial class ActorCell
{
    private IActorRef _perpetrator; // Who failed: this actor or a child; null if nobody.
    private List<Failed> _postponed;

    private void HandleInvokeFailure(Exception cause, Failed childFailure)
    {
        if (_perpetrator is not null)
        {
            // Failed already: a child that escalates meanwhile is decided on afterwards.
            if (childFailure is not null) (_postponed ??= []).Add(childFailure);
            return;
        }
        SuspendMailbox();
        _perpetrator = childFailure?.Child ?? _self;
        SuspendChildren(except: childFailure?.Child);
        _parent.SendSystemMessage(new Failed(_self, cause, _self.Path.Uid));
    }

    /// <summary>Decides on the children that failed while this actor was failed itself.</summary>
    private void DecidePostponed()
    {
        if (_perpetrator is not null || _postponed is not { } postponed) return;
        _postponed = null;
        foreach (var failed in postponed) InvokeSystem(failed);
    }

    private void HandleFailed(Failed failed)
    {
        if (_children is not { } children || !children.TryGet(failed.Child, out var record)) return;
        if (record.Ref.Path.Uid != failed.Uid) return;
        var strategy = _props.SupervisorStrategy ?? _actor?.OwnStrategy
            ?? SupervisorStrategy.DefaultStrategy;
        if (!strategy.HandleFailure(this, record, failed.Cause, children.Records()))
        {
            Throw(failed.Cause);
        }
    }

    private void FaultSuspend()
    {
        SuspendMailbox();
        SuspendChildren(except: null);
    }

    /// <summary>True while a new instance waits for the end of children of the old one.</summary>
    private bool IsWaiting => _children is { Reason: not TerminationReason.None };

    /// <summary>Undoes one suspension, when there is nothing else that could be done.</summary>
    private void Balance()
    {
        ResumeMailbox();
        ResumeChildren(null, null);
    }

    private void FaultResume(Exception causedByFailure)
    {
        if (IsWaiting)
        {
            Balance();
            return;
        }
        if (_actor is null)
        {
            FaultCreate();
            return;
        }
        var perpetrator = _perpetrator;
        ResumeMailbox();
        if (causedByFailure is not null) _perpetrator = null;
        ResumeChildren(causedByFailure, perpetrator);
        DecidePostponed();
    }

    private void FaultRecreate(Exception cause)
    {
        if (IsWaiting)
        {
            Balance();
            return;
        }
        var failed = _actor;
        if (failed is null)
        {
            FaultCreate();
            return;
        }
        try
        {
            _timers?.CancelAll();
            ReleaseStash();
            failed.AroundPreRestart(cause, _message);
        }
        catch (Exception second)
        {
            Report(new PreRestartException(_self, second, cause, _message), failed.GetType());
        }
        finally
        {
            ClearActor(failed);
        }
        var waits = _children is { } children &&
            children.WaitFor(TerminationReason.Recreation, cause);
        if (!waits) FinishRecreate(cause);
    }

    private void FinishRecreate(Exception cause)
    {
        var survivors = ChildRefs();
        try
        {
            ResumeMailbox();
            _perpetrator = null;
            _activity = null;
            _message = null;
            _sender = null;
            _actor = NewActor();
            _actor.AroundPostRestart(cause);
        }
        catch (Exception second)
        {
            if (_actor is { } broken) ClearActor(broken);
            HandleInvokeFailure(new PostRestartException(_self, second, cause), null);
            return;
        }
        foreach (var child in survivors) child.Restart(cause);
        DecidePostponed();
    }

    private void FaultCreate()
    {
        SetReceiveTimeout(null);
        StopChildren();
        var waits = _children is { } children &&
            children.WaitFor(TerminationReason.Creation, null);
        if (!waits) FinishCreate();
    }

    private void FinishCreate()
    {
        ResumeMailbox();
        _perpetrator = null;
        try
        {
            CreateFirst();
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, null);
        }
    }

    private void HandleTerminate()
    {
        SetReceiveTimeout(null);
        _timers?.CancelAll();
        StopChildren();
        if (_children is { } children)
        {
            var was = children.IsTerminating;
            if (children.WaitFor(TerminationReason.Termination, null))
            {
                if (was) return;
                SuspendMailbox(); // No user message any more.
                _perpetrator = _self;
                return;
            }
        }
        FinishTerminate();
    }

    private void FinishTerminate()
    {
        var actor = _actor;
        try
        {
            actor?.AroundPostStop();
        }
        catch (Exception cause)
        {
            Report(cause, actor.GetType());
        }
        _timers?.CancelAll();
        ReleaseStash();
        SetReceiveTimeout(null);
        _terminated = true;
        _system.EventStream.Forget(_self);
        while (IsSuspended) ResumeMailbox(); // The rest goes to dead letters.
        _parent.SendSystemMessage(new DeathWatchNotification(_self, true, false));
        TellWatchers();
        UnwatchAll();
        if (actor is not null) ClearActor(actor);
        _message = null;
        _sender = null;
        _stash = null;
        _timers = null;
        _activity = null;
        if (!ReferenceEquals(Dispatcher, _system.DefaultDispatcher)) _system.Release(Dispatcher);
    }

    private void HandleChildGone(IActorRef child)
    {
        var children = _children;
        var cause = children.RecreationCause;
        switch (children.Remove(child))
        {
            case TerminationReason.Recreation: FinishRecreate(cause); break;
            case TerminationReason.Creation: FinishCreate(); break;
            case TerminationReason.Termination: FinishTerminate(); break;
        }
    }

    private void ClearActor(ActorBase actor)
    {
        actor.Clear(_self);
        _actor = null;
        SetReceiveTimeout(null);
        ResetBehaviour();
    }

    private void Report(Exception cause, Type source) =>
        _system.EventStream.Publish(
            new Error(cause, _self.Path.ToString(), source, cause.Message));
}
