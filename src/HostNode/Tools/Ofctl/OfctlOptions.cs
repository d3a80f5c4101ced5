using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;
using TlsSettings = Fabric.Controllers.TlsSettings;

namespace Fabric.HostNode.Tools;

/// <summary>What stands before the command of fabric ofctl, or between its words.</summary>
internal sealed record OfctlOptions
{
    private bool _isChosen;

    /// <summary>The versions that may be spoken, ascending.</summary>
    public OfVersion[] Versions { get; private set; } = [OfVersion.OpenFlow10];

    public bool IsHelp { get; private set; }
    public bool IsStrict { get; private set; }
    public bool IsBundle { get; private set; }
    public bool HasStats { get; private set; } = true;
    public bool MayCreate { get; private set; }

    /// <summary>-m: packets are printed as bytes too.</summary>
    public bool IsVerbose { get; private set; }

    /// <summary>Null: as the switch says; "": by priority; else by this field.</summary>
    public string? SortField { get; private set; }

    public bool IsDescending { get; private set; }

    /// <summary>Null: as long as the command thinks right.</summary>
    public TimeSpan? Limit { get; private set; }

    /// <summary>How a monitor wants packets.</summary>
    public PacketInFormat PacketFormat { get; private set; } = PacketInFormat.Nxt2;

    /// <summary>Private key, certificate and authority, for ssl: targets.</summary>
    public TlsSettings Tls { get; private set; } = new("", "", "");

    /// <summary>Options may stand anywhere before "--"; the other words keep their order.</summary>
    public static OfctlOptions Parse(string[] arguments, out string[] words)
    {
        var options = new OfctlOptions();
        var reader = new OptionReader(arguments);
        while (reader.Read()) options.Set(reader);
        words = reader.Words;
        // Bundles begin with OpenFlow 1.4.
        if (options is { IsBundle: true, _isChosen: false })
            options.Versions = [OfVersion.OpenFlow14];
        return options;
    }

    private void Set(OptionReader option)
    {
        switch (option.Name)
        {
            case "-h" or "--help": IsHelp = true; break;
            case "--strict": IsStrict = true; break;
            case "--bundle": IsBundle = true; break;
            case "--no-stats": HasStats = false; break;
            case "--may-create": MayCreate = true; break;
            case "-m" or "--more": IsVerbose = true; break;
            // Names of ports and tables are not printed; numbers are what scripts want.
            case "--names" or "--no-names" or "-v" or "--verbose": break;
            case "--sort": SortField = option.Attached ?? ""; break;
            case "--rsort": (SortField, IsDescending) = (option.Attached ?? "", true); break;
            case "-O" or "--protocols":
                (Versions, _isChosen) = (VersionsOf(option.Value()), true);
                break;
            case "-P" or "--packet-in-format": PacketFormat = FormatOf(option.Value()); break;
            case "-t" or "--timeout": Limit = option.Seconds("-t or --timeout"); break;
            case "-F" or "--flow-format": _ = option.Value(); break;
            case "-p" or "--private-key":
                Tls = Tls with { PrivateKeyFile = option.Value() };
                break;
            case "-c" or "--certificate":
                Tls = Tls with { CertificateFile = option.Value() };
                break;
            case "-C" or "--ca-cert": Tls = Tls with { AuthorityFile = option.Value() }; break;
            default: throw option.Unknown();
        }
    }

    private static PacketInFormat FormatOf(string name) => name switch
    {
        "standard" or "openflow10" => PacketInFormat.Standard,
        "nxt_packet_in" or "nxm" => PacketInFormat.Nxt,
        "nxt_packet_in2" => PacketInFormat.Nxt2,
        _ => throw new ToolException($"unknown packet-in format `{name}'"),
    };

    private static OfVersion[] VersionsOf(string text) =>
    [
        .. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(name => Enum.TryParse<OfVersion>(name, ignoreCase: true, out var version)
                ? version
                : throw new ToolException($"{name}: unknown OpenFlow version"))
            .Distinct().Order(),
    ];
}
