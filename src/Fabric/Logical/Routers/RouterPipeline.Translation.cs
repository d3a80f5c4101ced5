namespace Fabric.Logical;

internal sealed partial class RouterPipeline
{
    private void CompileTranslations()
    {
        foreach (var uuid in _view.Row.Nat)
        {
            if (_pass.Topology.Rows.Nat.TryGetValue(uuid, out var rule)) CompileNat(rule);
        }
    }

    private void CompileNat(NatRule rule)
    {
        _pass.Block("nat", rule.Uuid, Uuid, [rule, _view.Key], _ => { });
    }
}
