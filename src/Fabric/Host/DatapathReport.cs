using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Host;

/// <summary>datapath/show and datapath/flows: what `fabric datapath` prints.</summary>
public static class DatapathReport
{
    public static void Register(
        UnixctlCommands commands, Func<ImmutableArray<IDatapathProvider>> providers)
    {
        commands.Register("datapath/show", "", 0, 1, _ => Task.FromResult(Show(providers())));
        commands.Register("datapath/flows", "", 0, 1, _ => Task.FromResult(Flows(providers())));
    }

    private static string Show(ImmutableArray<IDatapathProvider> providers)
    {
        var text = new StringBuilder();
        foreach (var provider in providers)
        {
            var statistics = provider.Statistics();
            text.Append(CultureInfo.InvariantCulture,
                $"{provider.Name}: provider {provider.ProviderName}\n");
            text.Append(CultureInfo.InvariantCulture,
                $"  lookups: hit:{statistics.Hit} missed:{statistics.Missed} lost:{statistics.Lost}\n");
            text.Append(CultureInfo.InvariantCulture,
                $"  flows: {statistics.Flows} masks: {statistics.Masks} connections: ");
            text.Append(CultureInfo.InvariantCulture, $"{provider.Conntrack.Totals().Count}\n");
            if (provider is IDescribedDatapath described)
            {
                foreach (var line in described.Details()) text.Append($"  {line}\n");
            }

            foreach (var port in provider.Ports.Dump())
            {
                var counters = provider.Ports.Statistics(port.Number);
                text.Append(CultureInfo.InvariantCulture,
                    $"  port {port.Number}: {port.Name} ({port.Type}) rx {counters?.RxPackets} tx ");
                text.Append(CultureInfo.InvariantCulture, $"{counters?.TxPackets}\n");
            }

            var drops = provider.DropCounts();
            for (var i = 1; i < drops.Length; i++)
            {
                if (drops[i] == 0) continue;
                text.Append(CultureInfo.InvariantCulture,
                    $"  dropped {drops[i]}: {DropReasons.TextOf((DropReason)i)}\n");
            }
        }

        return text.Length == 0 ? "no datapath is open: no bridge wants one\n" : text.ToString();
    }

    private static string Flows(ImmutableArray<IDatapathProvider> providers)
    {
        var text = new StringBuilder();
        foreach (var provider in providers)
        {
            provider.Flows.Dump((
                in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
                in FlowStatistics statistics) =>
            {
                text.Append(OdpFlowText.Format(key, mask));
                text.Append(CultureInfo.InvariantCulture,
                    $", packets:{statistics.Packets}, bytes:{statistics.Bytes}, actions:");
                text.Append(OdpActionText.Format(actions)).Append('\n');
            });
        }

        return text.ToString();
    }
}
