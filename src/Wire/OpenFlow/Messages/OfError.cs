using System.Collections.Frozen;
using System.Globalization;

namespace Fabric.Wire.OpenFlow;

/// <summary>An error as it is written in one protocol version.</summary>
/// <param name="Vendor">0: OpenFlow's own; else the experimenter id (Nicira, ONF).</param>
/// <param name="Type">The error type; unused when a vendor's error has only a code.</param>
public readonly record struct OfErrorNumber(uint Vendor, ushort Type, ushort Code);

/// <summary>The catalogue of errors: names, and numbers for every protocol version.</summary>
/// <remarks>
/// Each row: the code, the name that OVS prints, and where it exists: "of" is the specification,
/// "nx" Nicira, "onf" the ONF; "10-11" OpenFlow 1.0 to 1.1, "12+" from 1.2 on; then the type and
/// code (one number for vendors' errors from 1.2 on). Of two errors with one number the earlier
/// row is what decoding gives. Sources: OpenFlow 1.0-1.5 sections on ofp_error_msg; OVS.
/// </remarks>
public static class OfError
{
    public const uint NiciraVendor = 0x0000_2320;
    public const uint OnfVendor = 0x4F4E_4600;

    private static readonly (OfErrorCode Code, string Name, string Where)[] Rows =
    [
        (OfErrorCode.HelloIncompatible, "OFPHFC_INCOMPATIBLE", "of10+:0,0"),
        (OfErrorCode.HelloEperm, "OFPHFC_EPERM", "of10+:0,1"),
        (OfErrorCode.RequestBadVersion, "OFPBRC_BAD_VERSION", "of10+:1,0"),
        (OfErrorCode.RequestBadType, "OFPBRC_BAD_TYPE", "of10+:1,1"),
        (OfErrorCode.RequestBadStat, "OFPBRC_BAD_STAT", "of10+:1,2"),
        (OfErrorCode.RequestBadVendor, "OFPBRC_BAD_VENDOR", "of10+:1,3"),
        (OfErrorCode.RequestBadSubtype, "OFPBRC_BAD_SUBTYPE", "of10+:1,4"),
        (OfErrorCode.RequestEperm, "OFPBRC_EPERM", "of10+:1,5"),
        (OfErrorCode.RequestBadLength, "OFPBRC_BAD_LEN", "of10+:1,6"),
        (OfErrorCode.RequestBufferEmpty, "OFPBRC_BUFFER_EMPTY", "of10+:1,7"),
        (OfErrorCode.RequestBufferUnknown, "OFPBRC_BUFFER_UNKNOWN", "of10+:1,8"),
        (OfErrorCode.RequestBadTableId, "OFPBRC_BAD_TABLE_ID", "nx10:1,512;of11+:1,9"),
        (OfErrorCode.RequestIsSecondary, "OFPBRC_IS_SLAVE", "of10-11:1,5;of12+:1,10"),
        (OfErrorCode.RequestBadPort, "OFPBRC_BAD_PORT", "nx10-11:1,514;of12+:1,11"),
        (OfErrorCode.RequestBadPacket, "OFPBRC_BAD_PACKET", "of12+:1,12"),
        (OfErrorCode.RequestMultipartOverflow, "OFPBRC_MULTIPART_BUFFER_OVERFLOW", "of13+:1,13"),
        (OfErrorCode.NxmInvalid, "NXBRC_NXM_INVALID", "nx10-11:1,256;nx12+:2"),
        (OfErrorCode.NxmBadType, "NXBRC_NXM_BAD_TYPE", "nx10-11:1,257;nx12+:3"),
        (OfErrorCode.RequestMustBeZero, "NXBRC_MUST_BE_ZERO", "nx10-11:1,515;nx12+:4"),
        (OfErrorCode.RequestBadReason, "NXBRC_BAD_REASON", "nx10-11:1,516;nx12+:5"),
        (OfErrorCode.MonitorBadEvent, "NXBRC_FM_BAD_EVENT", "nx10-11:1,520;nx12+:9"),
        (OfErrorCode.UnencodableError, "NXBRC_UNENCODABLE_ERROR", "nx10-11:1,521;nx12+:10"),
        (OfErrorCode.ActionBadType, "OFPBAC_BAD_TYPE", "of10+:2,0"),
        (OfErrorCode.ActionBadLength, "OFPBAC_BAD_LEN", "of10+:2,1"),
        (OfErrorCode.ActionBadVendor, "OFPBAC_BAD_VENDOR", "of10+:2,2"),
        (OfErrorCode.ActionBadVendorType, "OFPBAC_BAD_VENDOR_TYPE", "of10+:2,3"),
        (OfErrorCode.ActionBadOutPort, "OFPBAC_BAD_OUT_PORT", "of10+:2,4"),
        (OfErrorCode.ActionBadArgument, "OFPBAC_BAD_ARGUMENT", "of10+:2,5"),
        (OfErrorCode.ActionEperm, "OFPBAC_EPERM", "of10+:2,6"),
        (OfErrorCode.ActionTooMany, "OFPBAC_TOO_MANY", "of10+:2,7"),
        (OfErrorCode.ActionBadQueue, "OFPBAC_BAD_QUEUE", "of10+:2,8"),
        (OfErrorCode.ActionBadOutGroup, "OFPBAC_BAD_OUT_GROUP", "of11+:2,9"),
        (OfErrorCode.ActionMatchInconsistent, "OFPBAC_MATCH_INCONSISTENT", "nx10:1,522;of11+:2,10"),
        (OfErrorCode.ActionUnsupportedOrder, "OFPBAC_UNSUPPORTED_ORDER", "of11+:2,11"),
        (OfErrorCode.ActionBadTag, "OFPBAC_BAD_TAG", "of11+:2,12"),
        (OfErrorCode.ActionBadSetType, "OFPBAC_BAD_SET_TYPE", "nx10-11:1,523;of12+:2,13"),
        (OfErrorCode.ActionBadSetLength, "OFPBAC_BAD_SET_LEN", "nx10-11:1,524;of12+:2,14"),
        (OfErrorCode.ActionBadSetArgument, "OFPBAC_BAD_SET_ARGUMENT", "nx10-11:1,525;of12+:2,15"),
        (OfErrorCode.ActionBadSetMask, "OFPBAC_BAD_SET_MASK", "onf13-14:4250;of15+:2,16"),
        (OfErrorCode.ActionMustBeZero, "NXBAC_MUST_BE_ZERO", "nx10-11:2,256;nx12+:11"),
        (OfErrorCode.ActionBadConjunction, "NXBAC_BAD_CONJUNCTION", "nx10-11:2,526;nx12+:15"),
        (OfErrorCode.InstructionUnknown, "OFPBIC_UNKNOWN_INST", "of11+:3,0"),
        (OfErrorCode.InstructionUnsupported, "OFPBIC_UNSUP_INST", "nx10:2,257;of11+:3,1"),
        (OfErrorCode.InstructionBadTableId, "OFPBIC_BAD_TABLE_ID", "of11+:3,2"),
        (OfErrorCode.InstructionBadMetadata, "OFPBIC_UNSUP_METADATA", "of11+:3,3"),
        (OfErrorCode.InstructionBadMetadataMask, "OFPBIC_UNSUP_METADATA_MASK", "of11+:3,4"),
        (OfErrorCode.InstructionBadExperimenter, "OFPBIC_BAD_EXPERIMENTER", "of11+:3,5"),
        (OfErrorCode.InstructionBadExperimenterType, "OFPBIC_BAD_EXP_TYPE", "of11:3,5;of12+:3,6"),
        (OfErrorCode.InstructionBadLength, "OFPBIC_BAD_LEN", "of12+:3,7"),
        (OfErrorCode.InstructionEperm, "OFPBIC_EPERM", "of12+:3,8"),
        (OfErrorCode.InstructionDuplicate, "OFPBIC_DUP_INST", "nx11:3,256;onf12-13:2600;of14+:3,9"),
        (OfErrorCode.MatchBadType, "OFPBMC_BAD_TYPE", "of11+:4,0"),
        (OfErrorCode.MatchBadLength, "OFPBMC_BAD_LEN", "of11+:4,1"),
        (OfErrorCode.MatchBadTag, "OFPBMC_BAD_TAG", "of11+:4,2"),
        (OfErrorCode.MatchBadLinkMask, "OFPBMC_BAD_DL_ADDR_MASK", "of11+:4,3"),
        (OfErrorCode.MatchBadNetworkMask, "OFPBMC_BAD_NW_ADDR_MASK", "of11+:4,4"),
        (OfErrorCode.MatchBadWildcards, "OFPBMC_BAD_WILDCARDS", "nx10:1,262;of11+:4,5"),
        (OfErrorCode.MatchBadField, "OFPBMC_BAD_FIELD", "nx10:0,263;of11+:4,6"),
        (OfErrorCode.MatchBadValue, "OFPBMC_BAD_VALUE", "nx10:1,258;of11+:4,7"),
        (OfErrorCode.MatchBadMask, "OFPBMC_BAD_MASK", "nx10-11:1,259;of12+:4,8"),
        (OfErrorCode.MatchBadPrerequisite, "OFPBMC_BAD_PREREQ", "nx10-11:1,260;of12+:4,9"),
        (OfErrorCode.MatchDuplicateField, "OFPBMC_DUP_FIELD", "nx10-11:1,261;of12+:4,10"),
        (OfErrorCode.MatchEperm, "OFPBMC_EPERM", "of12+:4,11"),
        (OfErrorCode.FlowModUnknown, "OFPFMFC_UNKNOWN", "of11+:5,0"),
        (OfErrorCode.FlowModTableFull, "OFPFMFC_TABLE_FULL", "of10:3,0;of11+:5,1"),
        (OfErrorCode.FlowModBadTableId, "OFPFMFC_BAD_TABLE_ID", "of11+:5,2"),
        (OfErrorCode.FlowModOverlap, "OFPFMFC_OVERLAP", "of10:3,1;of11+:5,3"),
        (OfErrorCode.FlowModEperm, "OFPFMFC_EPERM", "of10:3,2;of11+:5,4"),
        (OfErrorCode.FlowModBadTimeout, "OFPFMFC_BAD_TIMEOUT", "of11+:5,5"),
        (OfErrorCode.FlowModBadEmergencyTimeout, "OFPFMFC_BAD_EMERG_TIMEOUT", "of10:3,3"),
        (OfErrorCode.FlowModBadCommand, "OFPFMFC_BAD_COMMAND", "of10:3,4;of11+:5,6"),
        (OfErrorCode.FlowModBadFlags, "OFPFMFC_BAD_FLAGS", "nx10:3,258;nx11:5,258;of12+:5,7"),
        (OfErrorCode.FlowModUnsupported, "OFPFMFC_UNSUPPORTED", "of10:3,5"),
        (OfErrorCode.FlowModHardware, "NXFMFC_HARDWARE", "nx10-11:5,256;nx12+:12"),
        (OfErrorCode.FlowModBadTableIdExtension, "NXFMFC_BAD_TABLE_ID", "nx10-11:5,257;nx12+:13"),
        (OfErrorCode.GroupExists, "OFPGMFC_GROUP_EXISTS", "of11+:6,0"),
        (OfErrorCode.GroupInvalid, "OFPGMFC_INVALID_GROUP", "of11+:6,1"),
        (OfErrorCode.GroupWeightUnsupported, "OFPGMFC_WEIGHT_UNSUPPORTED", "of11+:6,2"),
        (OfErrorCode.GroupOutOfGroups, "OFPGMFC_OUT_OF_GROUPS", "of11+:6,3"),
        (OfErrorCode.GroupOutOfBuckets, "OFPGMFC_OUT_OF_BUCKETS", "of11+:6,4"),
        (OfErrorCode.GroupChainingUnsupported, "OFPGMFC_CHAINING_UNSUPPORTED", "of11+:6,5"),
        (OfErrorCode.GroupWatchUnsupported, "OFPGMFC_WATCH_UNSUPPORTED", "of11+:6,6"),
        (OfErrorCode.GroupLoop, "OFPGMFC_LOOP", "of11+:6,7"),
        (OfErrorCode.GroupUnknown, "OFPGMFC_UNKNOWN_GROUP", "of11+:6,8"),
        (OfErrorCode.GroupChained, "OFPGMFC_CHAINED_GROUP", "of12+:6,9"),
        (OfErrorCode.GroupBadType, "OFPGMFC_BAD_TYPE", "of12+:6,10"),
        (OfErrorCode.GroupBadCommand, "OFPGMFC_BAD_COMMAND", "of12+:6,11"),
        (OfErrorCode.GroupBadBucket, "OFPGMFC_BAD_BUCKET", "of12+:6,12"),
        (OfErrorCode.GroupBadWatch, "OFPGMFC_BAD_WATCH", "of12+:6,13"),
        (OfErrorCode.GroupEperm, "OFPGMFC_EPERM", "of12+:6,14"),
        (OfErrorCode.GroupUnknownBucket, "OFPGMFC_UNKNOWN_BUCKET", "of15+:6,15"),
        (OfErrorCode.GroupBucketExists, "OFPGMFC_BUCKET_EXISTS", "of15+:6,16"),
        (OfErrorCode.PortModBadPort, "OFPPMFC_BAD_PORT", "of10:4,0;of11+:7,0"),
        (OfErrorCode.PortModBadAddress, "OFPPMFC_BAD_HW_ADDR", "of10:4,1;of11+:7,1"),
        (OfErrorCode.PortModBadConfig, "OFPPMFC_BAD_CONFIG", "of11+:7,2"),
        (OfErrorCode.PortModBadAdvertise, "OFPPMFC_BAD_ADVERTISE", "of11+:7,3"),
        (OfErrorCode.PortModEperm, "OFPPMFC_EPERM", "of12+:7,4"),
        (OfErrorCode.TableModBadTable, "OFPTMFC_BAD_TABLE", "of11+:8,0"),
        (OfErrorCode.TableModBadConfig, "OFPTMFC_BAD_CONFIG", "of11+:8,1"),
        (OfErrorCode.TableModEperm, "OFPTMFC_EPERM", "of12+:8,2"),
        (OfErrorCode.QueueBadPort, "OFPQOFC_BAD_PORT", "of10:5,0;of11+:9,0"),
        (OfErrorCode.QueueBadQueue, "OFPQOFC_BAD_QUEUE", "of10:5,1;of11+:9,1"),
        (OfErrorCode.QueueEperm, "OFPQOFC_EPERM", "of10:5,2;of11+:9,2"),
        (OfErrorCode.QueueError, "NXQOFC_QUEUE_ERROR", "nx14+:23"),
        (OfErrorCode.ConfigBadFlags, "OFPSCFC_BAD_FLAGS", "of11+:10,0"),
        (OfErrorCode.ConfigBadLength, "OFPSCFC_BAD_LEN", "of11+:10,1"),
        (OfErrorCode.ConfigEperm, "OFPSCFC_EPERM", "of12+:10,2"),
        (OfErrorCode.RoleStale, "OFPRRFC_STALE", "of12+:11,0"),
        (OfErrorCode.RoleUnsupported, "OFPRRFC_UNSUP", "of12+:11,1"),
        (OfErrorCode.RoleBadRole, "OFPRRFC_BAD_ROLE", "nx10-11:1,513;of12+:11,2"),
        (OfErrorCode.MeterUnknown, "OFPMMFC_UNKNOWN", "of13+:12,0"),
        (OfErrorCode.MeterExists, "OFPMMFC_METER_EXISTS", "of13+:12,1"),
        (OfErrorCode.MeterInvalid, "OFPMMFC_INVALID_METER", "of13+:12,2"),
        (OfErrorCode.MeterUnknownMeter, "OFPMMFC_UNKNOWN_METER", "of13+:12,3"),
        (OfErrorCode.MeterBadCommand, "OFPMMFC_BAD_COMMAND", "of13+:12,4"),
        (OfErrorCode.MeterBadFlags, "OFPMMFC_BAD_FLAGS", "of13+:12,5"),
        (OfErrorCode.MeterBadRate, "OFPMMFC_BAD_RATE", "of13+:12,6"),
        (OfErrorCode.MeterBadBurst, "OFPMMFC_BAD_BURST", "of13+:12,7"),
        (OfErrorCode.MeterBadBand, "OFPMMFC_BAD_BAND", "of13+:12,8"),
        (OfErrorCode.MeterBadBandValue, "OFPMMFC_BAD_BAND_VALUE", "of13+:12,9"),
        (OfErrorCode.MeterOutOfMeters, "OFPMMFC_OUT_OF_METERS", "of13+:12,10"),
        (OfErrorCode.MeterOutOfBands, "OFPMMFC_OUT_OF_BANDS", "of13+:12,11"),
        (OfErrorCode.TableFeaturesBadTable, "OFPTFFC_BAD_TABLE", "of13+:13,0"),
        (OfErrorCode.TableFeaturesBadMetadata, "OFPTFFC_BAD_METADATA", "of13+:13,1"),
        (OfErrorCode.TableFeaturesEperm, "OFPTFFC_EPERM", "of13+:13,5"),
        (OfErrorCode.PropertyBadType, "OFPBPC_BAD_TYPE",
            "nx10-11:13,2;nx12:25;of13:13,2;of14+:14,0"),
        (OfErrorCode.PropertyBadLength, "OFPBPC_BAD_LEN",
            "nx10-11:13,3;nx12:26;of13:13,3;of14+:14,1"),
        (OfErrorCode.PropertyBadValue, "OFPBPC_BAD_VALUE",
            "nx10-11:13,4;nx12:27;of13:13,4;of14+:14,2"),
        (OfErrorCode.PropertyTooMany, "OFPBPC_TOO_MANY",
            "nx10-11:14,3;nx12:28;onf13:4443;of14+:14,3"),
        (OfErrorCode.PropertyDuplicateType, "OFPBPC_DUP_TYPE",
            "nx10-11:14,4;nx12:29;onf13:4444;of14+:14,4"),
        (OfErrorCode.PropertyBadExperimenter, "OFPBPC_BAD_EXPERIMENTER",
            "nx10-11:14,5;nx12:30;onf13:4445;of14+:14,5"),
        (OfErrorCode.PropertyBadExperimenterType, "OFPBPC_BAD_EXP_TYPE",
            "nx10-11:14,6;nx12:31;onf13:4446;of14+:14,6"),
        (OfErrorCode.PropertyBadExperimenterValue, "OFPBPC_BAD_EXP_VALUE",
            "nx10-11:14,7;nx12:32;onf13:4447;of14+:14,7"),
        (OfErrorCode.PropertyEperm, "OFPBPC_EPERM", "nx10-11:14,8;nx12:33;onf13:4448;of14+:14,8"),
        (OfErrorCode.AsyncInvalid, "OFPACFC_INVALID", "of14+:15,0"),
        (OfErrorCode.AsyncUnsupported, "OFPACFC_UNSUPPORTED", "of14+:15,1"),
        (OfErrorCode.AsyncEperm, "OFPACFC_EPERM", "of14+:15,2"),
        (OfErrorCode.BundleUnknown, "OFPBFC_UNKNOWN", "onf13:2300;of14+:17,0"),
        (OfErrorCode.BundleEperm, "OFPBFC_EPERM", "onf13:2301;of14+:17,1"),
        (OfErrorCode.BundleBadId, "OFPBFC_BAD_ID", "onf13:2302;of14+:17,2"),
        (OfErrorCode.BundleExists, "OFPBFC_BUNDLE_EXIST", "onf13:2303;of14+:17,3"),
        (OfErrorCode.BundleClosed, "OFPBFC_BUNDLE_CLOSED", "onf13:2304;of14+:17,4"),
        (OfErrorCode.BundleOutOfBundles, "OFPBFC_OUT_OF_BUNDLES", "onf13:2305;of14+:17,5"),
        (OfErrorCode.BundleBadType, "OFPBFC_BAD_TYPE", "onf13:2306;of14+:17,6"),
        (OfErrorCode.BundleBadFlags, "OFPBFC_BAD_FLAGS", "onf13:2307;of14+:17,7"),
        (OfErrorCode.BundleMessageBadLength, "OFPBFC_MSG_BAD_LEN", "onf13:2308;of14+:17,8"),
        (OfErrorCode.BundleMessageBadXid, "OFPBFC_MSG_BAD_XID", "onf13:2309;of14+:17,9"),
        (OfErrorCode.BundleMessageUnsupported, "OFPBFC_MSG_UNSUP", "onf13:2310;of14+:17,10"),
        (OfErrorCode.BundleMessageConflict, "OFPBFC_MSG_CONFLICT", "onf13:2311;of14+:17,11"),
        (OfErrorCode.BundleMessageTooMany, "OFPBFC_MSG_TOO_MANY", "onf13:2312;of14+:17,12"),
        (OfErrorCode.BundleMessageFailed, "OFPBFC_MSG_FAILED", "onf13:2313;of14+:17,13"),
        (OfErrorCode.BundleTimeout, "OFPBFC_TIMEOUT", "onf13:2314;of14+:17,14"),
        (OfErrorCode.BundleInProgress, "OFPBFC_BUNDLE_IN_PROGRESS", "onf13:2315;of14+:17,15"),
        (OfErrorCode.BundleBadVersion, "OFPBFC_BAD_VERSION", "nx14-15:22"),
        (OfErrorCode.MonitorUnknown, "OFPMOFC_UNKNOWN", "of14+:16,0"),
        (OfErrorCode.MonitorExists, "OFPMOFC_MONITOR_EXISTS", "nx10-11:1,517;nx12-13:6;of14+:16,1"),
        (OfErrorCode.MonitorInvalid, "OFPMOFC_INVALID_MONITOR", "of14+:16,2"),
        (OfErrorCode.MonitorUnknownMonitor, "OFPMOFC_UNKNOWN_MONITOR",
            "nx10-11:1,519;nx12-13:8;of14+:16,3"),
        (OfErrorCode.MonitorBadCommand, "OFPMOFC_BAD_COMMAND", "of14+:16,4"),
        (OfErrorCode.MonitorBadFlags, "OFPMOFC_BAD_FLAGS", "nx10-11:1,518;nx12-13:7;of14+:16,5"),
        (OfErrorCode.MonitorBadTableId, "OFPMOFC_BAD_TABLE_ID", "of14+:16,6"),
        (OfErrorCode.MonitorBadOut, "OFPMOFC_BAD_OUT", "of14+:16,7"),
        (OfErrorCode.TlvBadCommand, "NXTTMFC_BAD_COMMAND", "nx10-11:1,527;nx12+:16"),
        (OfErrorCode.TlvBadOptionLength, "NXTTMFC_BAD_OPT_LEN", "nx10-11:1,528;nx12+:17"),
        (OfErrorCode.TlvBadFieldIndex, "NXTTMFC_BAD_FIELD_IDX", "nx10-11:1,529;nx12+:18"),
        (OfErrorCode.TlvTableFull, "NXTTMFC_TABLE_FULL", "nx10-11:1,530;nx12+:19"),
        (OfErrorCode.TlvAlreadyMapped, "NXTTMFC_ALREADY_MAPPED", "nx10-11:1,531;nx12+:20"),
        (OfErrorCode.TlvDuplicateEntry, "NXTTMFC_DUP_ENTRY", "nx10-11:1,532;nx12+:21"),
        (OfErrorCode.ResumeUnsupported, "NXR_NOT_SUPPORTED", "nx10-11:1,533;nx12+:34"),
        (OfErrorCode.ResumeStale, "NXR_STALE", "nx10-11:1,534;nx12+:35"),
        (OfErrorCode.StatsNotConfigured, "NXST_NOT_CONFIGURED", "nx10-11:1,535;nx12+:36"),
        (OfErrorCode.TlvFieldUnmapped, "NXFMFC_INVALID_TLV_FIELD", "nx10-11:1,536;nx12+:37"),
        (OfErrorCode.TlvInUse, "NXTTMFC_INVALID_TLV_DEL", "nx10-11:1,537;nx12+:38"),
        (OfErrorCode.ActionBadHeaderType, "NXBAC_BAD_HEADER_TYPE", "nx13+:39"),
        (OfErrorCode.ActionUnknownProperty, "NXBAC_UNKNOWN_ED_PROP", "nx13+:40"),
    ];

    private static readonly Dictionary<(OfVersion, OfErrorCode), OfErrorNumber> Numbers = [];
    private static readonly Dictionary<(OfVersion, OfErrorNumber), OfErrorCode> Codes = [];
    private static readonly FrozenDictionary<OfErrorCode, string> Names =
        Rows.ToFrozenDictionary(row => row.Code, row => row.Name);

    static OfError()
    {
        foreach (var (code, _, where) in Rows)
        {
            foreach (var part in where.Split(';')) Register(code, part);
        }
    }

    /// <summary>The name that OVS prints, for example OFPBMC_BAD_PREREQ.</summary>
    public static string NameOf(OfErrorCode code) => Names.GetValueOrDefault(code, "none");

    /// <summary>
    /// Type and code in 'version'; what cannot be said there is an unencodable error.
    /// </summary>
    public static OfErrorNumber NumberOf(OfErrorCode code, OfVersion version) =>
        Numbers.TryGetValue((version, code), out var number)
            ? number : Numbers[(version, OfErrorCode.UnencodableError)];

    /// <summary>The error behind a number, <see cref="OfErrorCode.None"/> when unknown.</summary>
    public static OfErrorCode CodeOf(OfErrorNumber number, OfVersion version) =>
        Codes.GetValueOrDefault((version, number));

    private static void Register(OfErrorCode code, string where)
    {
        var colon = where.IndexOf(':', StringComparison.Ordinal);
        var vendorEnd = where.IndexOfAny(['1']);
        var vendor =
            where[..vendorEnd] switch { "nx" => NiciraVendor, "onf" => OnfVendor, _ => 0u };
        var range = where[vendorEnd..colon];
        var numbers = where[(colon + 1)..].Split(',');
        var first = VersionOf(range);
        var last = range.Contains('+', StringComparison.Ordinal) ? OfVersion.OpenFlow15
            : range.Contains('-', StringComparison.Ordinal) ? VersionOf(range[3..]) : first;
        var type = numbers.Length == 2 ? Parse(numbers[0]) : (ushort)0;
        var number = new OfErrorNumber(vendor, type, Parse(numbers[^1]));
        for (var version = first; version <= last; version++)
        {
            Numbers.TryAdd((version, code), number);
            Codes.TryAdd((version, number), code);
        }
    }

    private static OfVersion VersionOf(string digits) => (OfVersion)(digits[1] - '0' + 1);

    private static ushort Parse(string text) => ushort.Parse(text, CultureInfo.InvariantCulture);
}
