using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Asks a database actor to tell its state now and every change from then on.</summary>
/// <remarks>The subscriber is watched; its end ends the subscription.</remarks>
/// <param name="WithInitialRows">
/// False: the first <see cref="DatabaseChanged"/> has no changes, just the state.
/// </param>
public sealed record SubscribeDatabase(IActorRef Subscriber, bool WithInitialRows = true);

public sealed record UnsubscribeDatabase(IActorRef Subscriber);

/// <summary>Asks a database actor to take over another schema; rows go along as they fit.</summary>
/// <remarks><see cref="TransactCompleted"/> answers.</remarks>
public sealed record ConvertDatabase(long RequestId, DatabaseSchema Schema);
