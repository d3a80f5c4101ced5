using System.Text;
using Akka.Actor;
using Fabric.Host;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands about BFD, CFM and LACP.</summary>
public static class SessionCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="sessions">The room /sessions.</param>
    public static void Register(UnixctlCommands commands, Func<ICanTell> sessions)
    {
        Show("bfd/show", SessionKinds.Bfd, "no such bfd object");
        Show("cfm/show", SessionKinds.Cfm, "no such CFM object");
        Show("lacp/show", SessionKinds.Lacp, "no such lacp object", usage: "[port]");
        Show("lacp/show-stats", SessionKinds.Lacp, "no such lacp object", usage: "[port]",
            new ShowSessionCounts());
        Override("bfd/set-forwarding", "[interface] normal|false|true", SessionKinds.Bfd,
            "no such BFD object", isGoodWhenTrue: true);
        Override("cfm/set-fault", "[interface] normal|false|true", SessionKinds.Cfm,
            "no such CFM object", isGoodWhenTrue: false);

        void Show(
            string name, SessionKinds kind, string missing, string usage = "[interface]",
            object? question = null) =>
            commands.Register(name, usage, 0, 1, async request =>
            {
                var listed = await ListAsync(sessions(), kind);
                if (request.Arguments.Length == 1)
                {
                    return listed.Sessions.TryGetValue(request.Arguments[0], out var one)
                        ? Head(kind, request.Arguments[0]) + await one.Ask<string>(
                            question ?? new ShowSession(), Patience)
                        : throw new UnixctlException(missing);
                }

                var text = new StringBuilder();
                foreach (var (face, session) in listed.Sessions)
                {
                    if (kind != SessionKinds.Lacp) text.Append($"---- {face} ----\n");
                    text.Append(await session.Ask<string>(
                        question ?? new ShowSession(), Patience));
                }

                return text.ToString();
            });

        void Override(
            string name, string usage, SessionKinds kind, string missing, bool isGoodWhenTrue) =>
            commands.Register(name, usage, 1, 2, async request =>
            {
                bool? isGood = request.Arguments[^1].ToLowerInvariant() switch
                {
                    "true" => isGoodWhenTrue,
                    "false" => !isGoodWhenTrue,
                    "normal" => null,
                    _ => throw new UnixctlException("unknown fault string"),
                };
                var listed = await ListAsync(sessions(), kind);
                if (request.Arguments.Length == 2
                    && !listed.Sessions.ContainsKey(request.Arguments[0]))
                {
                    throw new UnixctlException(missing);
                }

                foreach (var (face, session) in listed.Sessions)
                {
                    if (request.Arguments.Length == 2 && face != request.Arguments[0]) continue;
                    await session.Ask<string>(new OverrideSession(isGood), Patience);
                }

                return "OK\n";
            });
    }

    /// <summary>One BFD session is shown without its name, one of CFM with it.</summary>
    private static string Head(SessionKinds kind, string face) =>
        kind == SessionKinds.Cfm ? $"---- {face} ----\n" : "";

    private static Task<SessionsListed> ListAsync(ICanTell sessions, SessionKinds kind) =>
        sessions.Ask<SessionsListed>(new ListSessions(kind), Patience);
}
