using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Reads datapath action text.</summary>
internal sealed partial class OdpActionParser(Func<string, uint?>? portNumber)
{
    private const int DepthMax = 16;

    public bool TryParse(
        ReadOnlySpan<char> text, int depth, out ImmutableArray<DatapathAction> actions,
        out string error)
    {
        actions = [];
        error = "";
        if (depth > DepthMax)
        {
            error = $"actions nested deeper than {DepthMax}";
            return false;
        }

        var list = ImmutableArray.CreateBuilder<DatapathAction>();
        var items = new OdpItems(text);
        bool isBroken;
        while (items.MoveNext(out isBroken))
        {
            if (items.Item is "drop" && depth + list.Count == 0 && text.Trim() is "drop") break;
            if (!TryAction(items, depth, out var action, out error))
            {
                if (error.Length == 0) error = $"syntax error at {items.Item}";
                return false;
            }

            list.Add(action!);
        }

        if (isBroken)
        {
            error = "unbalanced brackets";
            return false;
        }

        actions = list.ToImmutable();
        return true;
    }

    private bool TryAction(
        OdpItems item, int depth, out DatapathAction? action, out string error)
    {
        error = "";
        action = null;
        var text = item.Arguments;
        if (!item.HasArguments)
        {
            action = item.Name switch
            {
                "pop_vlan" => new PopVlanAction(),
                "pop_eth" => new PopEthernetAction(),
                "pop_nsh" => new PopNshAction(),
                "ct_clear" => new ConntrackClearAction(),
                "ct" => NewConntrack(),
                "drop" => new DropAction(DropReason.ExplicitDrop),
                "dec_ttl" => new DecrementTtlAction(),
                _ => Output(item.Name),
            };
            return action is not null;
        }

        switch (item.Name)
        {
            case "pop_nsh":
                action = new PopNshAction();
                return true;
            case "dec_ttl":
                action = new DecrementTtlAction();
                return true;
            case "recirc":
                return Number(text, value => new RecirculateAction(value), out action);
            case "trunc":
                return Number(text, value => new TruncateAction(value), out action);
            case "meter":
                return Number(text, value => new MeterAction(value), out action);
            case "lb_output":
                return Number(text, value => new LoadBalancedOutputAction(value), out action);
            case "tnl_push":
                return OdpTunnelParser.TryParse(text, portNumber, out action);
            case "tnl_pop":
                action = OdpTunnelParser.PortOf(text, portNumber) is { } popped
                    ? new TunnelPopAction(popped) : null;
                return action is not null;
            case "hash":
                return TryHash(text, out action);
            case "ct":
                return TryConntrack(text, out action);
            case "set" or "set_masked":
                return TrySet(text, out action, out error);
            case "userspace":
                return TryUserspace(text, out action);
            case "clone":
                if (!TryParse(text, depth + 1, out var cloned, out error)) return false;
                action = new CloneAction(cloned);
                return true;
            case "sample":
                return TrySample(text, depth, out action, out error);
            case "check_pkt_len":
                return TryCheckLength(text, depth, out action, out error);
            default:
                return TryPush(item, out action);
        }
    }

    private OutputAction? Output(ReadOnlySpan<char> text)
    {
        if (OdpNumber.TryParse<uint>(text, out var number)) return new OutputAction(number);
        return portNumber?.Invoke(text.ToString()) is { } port ? new OutputAction(port) : null;
    }

    private static bool Number(
        ReadOnlySpan<char> text, Func<uint, DatapathAction> make, out DatapathAction? action)
    {
        action = OdpNumber.TryParse<uint>(text, out var value) ? make(value) : null;
        return action is not null;
    }

    private static bool TryHash(ReadOnlySpan<char> text, out DatapathAction? action)
    {
        action = null;
        var items = new OdpItems(text);
        if (!items.MoveNext(out _)) return false;
        if (!OdpNumber.TryParse<uint>(items.Arguments, out var basis)) return false;
        action = items.Name switch
        {
            "hash_l4" or "l4" => new HashAction(HashAlgorithm.L4, basis),
            "sym_l4" => new HashAction(HashAlgorithm.SymmetricL4, basis),
            _ => null,
        };
        return action is not null;
    }

    private static bool TrySet(
        ReadOnlySpan<char> text, out DatapathAction? action, out string error)
    {
        action = null;
        error = "";
        var items = new OdpItems(text);
        if (!items.MoveNext(out _)) return false;

        FlowKey key = default, mask = default;
        if (items.Name is "tunnel")
        {
            if (!OdpFlowParser.TryTunnel(items.Arguments, ref key, ref mask)) return false;
            action = new SetTunnelAction(TunnelMetadataKey.FromKey(ref key));
            return true;
        }

        if (!OdpFlowText.TryParse(items.Item.ToString(), null, out key, out mask, out error))
        {
            return false;
        }

        action = SetKeys.ToAction(items.Name.ToString(), key, mask);
        return action is not null;
    }

    private static bool TryUserspace(ReadOnlySpan<char> text, out DatapathAction? action)
    {
        const int OfCookie = 48; // What stands for no user data at all.

        var (kind, data) = (UpcallKind.Opaque, new byte[OfCookie]);
        uint socket = 0;
        uint? tunnelPort = null;
        var hasActions = false;
        var items = new OdpItems(text);
        action = null;
        while (items.MoveNext(out _))
        {
            switch (items.Name)
            {
                case "slow_path": kind = UpcallKind.SlowPath; break;
                case "controller": kind = UpcallKind.Controller; break;
                case "sFlow": kind = UpcallKind.Sflow; break;
                case "flow_sample": kind = UpcallKind.FlowSample; break;
                case "ipfix": kind = UpcallKind.Ipfix; break;
                case "userdata" when TryBytes(items.Arguments, out data): continue;
                case "pid" when OdpNumber.TryParse(items.Arguments, out socket): continue;
                case "tunnel_out_port" when OdpNumber.TryParse(items.Arguments, out uint port):
                    tunnelPort = port;
                    continue;
                case "actions": hasActions = true; continue;
                default: return false;
            }

            data = Encoding.ASCII.GetBytes(items.Arguments.ToString());
        }

        action = new UserspaceAction(new UpcallUserdata(kind, 0, [.. data]))
        {
            SocketId = socket,
            TunnelPort = tunnelPort,
            HasActions = hasActions,
        };
        return true;
    }

    /// <summary>Hexadecimal digits; eight bytes at least, the missing ones zero.</summary>
    private static bool TryBytes(ReadOnlySpan<char> digits, out byte[] bytes)
    {
        const int SizeMin = 8, SizeMax = 256;

        bytes = new byte[Math.Max(SizeMin, digits.Length / 2)];
        return digits.Length <= 2 * SizeMax
            && Convert.FromHexString(digits, bytes, out _, out _) == OperationStatus.Done;
    }

    private bool TrySample(
        ReadOnlySpan<char> text, int depth, out DatapathAction? action, out string error)
    {
        action = null;
        error = "";
        double percent = 100;
        ImmutableArray<DatapathAction> actions = [];
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (items.Name is "sample")
            {
                if (!double.TryParse(
                    items.Arguments.TrimEnd('%'), NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture, out percent) || percent is < 0 or > 100)
                {
                    return false;
                }
            }
            else if (items.Name is not "actions"
                || !TryParse(items.Arguments, depth + 1, out actions, out error))
            {
                return false;
            }
        }

        action = new SampleAction((uint)Math.Round(percent / 100 * uint.MaxValue), actions);
        return true;
    }

    private bool TryCheckLength(
        ReadOnlySpan<char> text, int depth, out DatapathAction? action, out string error)
    {
        action = null;
        error = "";
        ushort size = 0;
        ImmutableArray<DatapathAction> greater = [], lessOrEqual = [];
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "size" => OdpNumber.TryParse(items.Arguments, out size),
                "gt" => TryBranch(items.Arguments, depth, out greater, out error),
                "le" => TryBranch(items.Arguments, depth, out lessOrEqual, out error),
                _ => false,
            };
            if (!isGood) return false;
        }

        action = new CheckPacketLengthAction(size, greater, lessOrEqual);
        return true;
    }

    private bool TryBranch(
        ReadOnlySpan<char> text, int depth, out ImmutableArray<DatapathAction> actions,
        out string error)
    {
        if (text.Trim() is not "drop") return TryParse(text, depth + 1, out actions, out error);
        actions = [];
        error = "";
        return true;
    }
}
