using System.Collections.Immutable;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Datapath actions for people: what upcalls carry is told in words.</summary>
internal static class PrintedActions
{
    /// <param name="isSilent">A trace without effects: nothing is sent to controllers.</param>
    public static string Format(
        ImmutableArray<DatapathAction> actions, bool isSilent = false,
        Func<uint, string?>? nameOf = null) =>
        OdpActionText.Format(Spell(actions, isSilent), nameOf);

    private static ImmutableArray<DatapathAction> Spell(
        ImmutableArray<DatapathAction> actions, bool isSilent) =>
        [.. actions.Select(action => Spell(action, isSilent))];

    private static DatapathAction Spell(DatapathAction action, bool isSilent) => action switch
    {
        UserspaceAction { Userdata.Kind: UpcallKind.Controller } upcall =>
            new UserspaceAction(Spell(upcall.Userdata, isSilent)),
        CloneAction clone => new CloneAction(Spell(clone.Actions, isSilent)),
        SampleAction sample => new SampleAction(
            sample.Probability, Spell(sample.Actions, isSilent)),
        CheckPacketLengthAction check => new CheckPacketLengthAction(
            check.Length, Spell(check.IfGreater, isSilent),
            Spell(check.IfLessOrEqual, isSilent)),
        _ => action,
    };

    private static UpcallUserdata Spell(UpcallUserdata userdata, bool isSilent)
    {
        if (!PacketInCookie.TryParse(userdata.Data, out var cookie)) return userdata;
        var text = $"reason={(int)cookie.Reason},dont_send={(isSilent ? 1 : 0)},"
            + $"continuation={(cookie.IsPaused ? 1 : 0)},recirc_id={userdata.Cookie},"
            + $"rule_cookie={OfFieldText.Hex(cookie.RuleCookie)},"
            + $"controller_id={cookie.ControllerId},max_len={cookie.MaxLength}";
        return new UpcallUserdata(
            userdata.Kind, userdata.Cookie, [.. Encoding.ASCII.GetBytes(text)]);
    }
}
