using System.Collections.Immutable;
using System.Globalization;
using Fabric.Datapath;
using Fabric.Wire.Netlink;
using Texts = System.Collections.Immutable.ImmutableSortedDictionary<string, string>;

namespace Fabric.Switching;

/// <summary>
/// A row of QoS as queues of a device: types, numbers and defaults as OVS has them.
/// </summary>
/// <param name="Type">QoS.type.</param>
/// <param name="Layout">Null: of this type, or in these words, nothing is laid out.</param>
public sealed record QosLayout(string Type, DeviceLayout? Layout)
{
    /// <summary>Somebody else shapes the device.</summary>
    public const string HandsOff = "linux-noop";

    /// <summary>What qos/show-types lists.</summary>
    public static ImmutableArray<string> Types { get; } =
    [
        "linux-netem", "linux-fq_codel", "linux-codel", HandsOff, "linux-sfq", "linux-htb",
    ];

    /// <summary>Numbers of queues are below.</summary>
    private const uint QueueCountMax = 0xF000;

    /// <summary>A class needs one full packet a second.</summary>
    private const ulong RateMin = 1500;

    private const uint HeaderAllowance = 64;

    /// <param name="linkBytesPerSecond">What a type with rates has where the row has none.</param>
    /// <param name="queues">Queue.other_config by number.</param>
    public static QosLayout Of(
        string type, Texts config, ImmutableSortedDictionary<uint, Texts> queues,
        ulong linkBytesPerSecond, int mtu)
    {
        var layout = type switch
        {
            "linux-htb" => Htb(config, queues, linkBytesPerSecond, mtu),
            "linux-sfq" => Single(new SfqQdisc(
                Number(config, "quantum", (uint)mtu), Number(config, "perturb", 10))),
            "linux-codel" => Single(new CodelQdisc(
                Number(config, "target", 5000), Number(config, "limit", 10240),
                Number(config, "interval", 100_000))),
            "linux-fq_codel" => Single(new FqCodelQdisc(
                Number(config, "target", 5000), Number(config, "limit", 10240),
                Number(config, "interval", 1_000_000), Number(config, "flows", 1024),
                Number(config, "quantum", 1514))),
            "linux-netem" => Single(new NetemQdisc(
                Number(config, "latency", 0), Number(config, "limit", 1000),
                Number(config, "loss", 0, isZero: true))),
            _ => null,
        };
        return new QosLayout(type, layout);
    }

    private static DeviceLayout Single(Qdisc qdisc) => new(qdisc, []);

    private static DeviceLayout Htb(
        Texts config, ImmutableSortedDictionary<uint, Texts> queues, ulong link, int mtu)
    {
        var most = Bytes(config, "max-rate");
        if (most == 0) most = link;
        var classes = ImmutableArray.CreateBuilder<HtbClass>();
        classes.Add(new HtbClass(HtbClass.RootMinor, most, most, 0, 0));
        if (!queues.ContainsKey(0)) queues = queues.Add(0, Texts.Empty);
        foreach (var (number, queue) in queues)
        {
            if (number < QueueCountMax) classes.Add(Class(number, queue, most, mtu));
        }

        return new DeviceLayout(
            new HtbQdisc(), [.. classes]);
    }

    private static HtbClass Class(uint number, Texts config, ulong most, int mtu)
    {
        var least = Math.Min(Math.Max(Bytes(config, "min-rate"), RateMin), most);
        var ceiling = Bytes(config, "max-rate");
        ceiling = ceiling == 0 ? most : Math.Min(Math.Max(ceiling, least), most);
        var burst = Math.Max(
            (uint)Math.Min(Bytes(config, "burst"), uint.MaxValue), (uint)mtu + HeaderAllowance);
        return new HtbClass(
            (ushort)(number + 1), least, ceiling, burst, Number(config, "priority", 0));
    }

    /// <summary>A number of bits as bytes; 0 where it is none.</summary>
    private static ulong Bytes(Texts config, string key) =>
        ulong.TryParse(
            config.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out var bits) ? bits / 8 : 0;

    private static uint Number(Texts config, string key, uint otherwise, bool isZero = false) =>
        uint.TryParse(
            config.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) && (number != 0 || isZero) ? number : otherwise;
}
