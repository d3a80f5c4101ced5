namespace Fabric.Wire.OpenFlow;

/// <summary>Numbers of multipart messages (OFPMP_*; in 1.0 and 1.1 OFPST_*).</summary>
internal static class StatsTypes
{
    public const ushort Description = 0, Flow = 1, Aggregate = 2, Table = 3, Port = 4, Queue = 5,
        Group = 6, GroupDescription = 7, GroupFeatures = 8, Meter = 9, MeterConfig = 10,
        MeterFeatures = 11, TableFeatures = 12, PortDescription = 13, TableDescription = 14,
        QueueDescription = 15, FlowMonitor = 16, FlowStats15 = 17, Experimenter = 0xFFFF;

    public const uint NxFlow = 0, NxAggregate = 1, NxFlowMonitor = 2, OnfFlowMonitor = 1870,
        NxGroup = 7, NxGroupDescription = 8, NxGroupFeatures = 9;

    /// <summary>The number that a request or its reply has.</summary>
    public static ushort NumberOf(OfMessage message) => message switch
    {
        OfDescriptionRequest or OfDescriptionReply => Description,
        OfFlowStatsRequest { IsNicira: true } or OfFlowStatsReply { IsNicira: true }
            or OfAggregateReply { IsNicira: true } => Experimenter,
        OfFlowMonitorRequest { IsNicira: true } or OfFlowMonitorReply { IsNicira: true } =>
            Experimenter,
        OfFlowStatsRequest { IsAggregate: true } or OfAggregateReply => Aggregate,
        OfFlowStatsRequest or OfFlowStatsReply => Flow,
        OfTableStatsRequest or OfTableStatsReply => Table,
        OfPortStatsRequest or OfPortStatsReply => Port,
        OfQueueStatsRequest or OfQueueStatsReply => Queue,
        OfGroupStatsRequest or OfGroupStatsReply => Group,
        OfGroupDescriptionRequest or OfGroupDescriptionReply => GroupDescription,
        OfGroupFeaturesRequest or OfGroupFeaturesReply => GroupFeatures,
        OfMeterStatsRequest or OfMeterStatsReply => Meter,
        OfMeterConfigRequest or OfMeterConfigReply => MeterConfig,
        OfMeterFeaturesRequest or OfMeterFeaturesReply => MeterFeatures,
        OfTableFeaturesRequest or OfTableFeaturesReply => TableFeatures,
        OfPortDescriptionRequest or OfPortDescriptionReply => PortDescription,
        OfTableDescriptionRequest or OfTableDescriptionReply => TableDescription,
        OfQueueDescriptionRequest or OfQueueDescriptionReply => QueueDescription,
        OfFlowMonitorRequest or OfFlowMonitorReply => FlowMonitor,
        _ => Experimenter,
    };

    /// <summary>Nicira's subtype of a message that is told as a vendor's.</summary>
    public static uint NiciraNumberOf(OfMessage message) => message switch
    {
        OfFlowStatsRequest { IsAggregate: false } or OfFlowStatsReply => NxFlow,
        OfFlowStatsRequest or OfAggregateReply => NxAggregate,
        OfFlowMonitorRequest or OfFlowMonitorReply => NxFlowMonitor,
        OfGroupStatsRequest or OfGroupStatsReply => NxGroup,
        OfGroupDescriptionRequest or OfGroupDescriptionReply => NxGroupDescription,
        _ => NxGroupFeatures,
    };

    /// <summary>
    /// OpenFlow 1.0 has no groups, and 1.1 not what they can do: Nicira's statistics carry it.
    /// </summary>
    public static bool IsNiciraGroup(OfMessage message, OfVersion version) => message
        is OfGroupStatsRequest or OfGroupStatsReply or OfGroupDescriptionRequest
        or OfGroupDescriptionReply or OfGroupFeaturesRequest or OfGroupFeaturesReply
        && version <= LastOfNicira(NiciraNumberOf(message));

    /// <summary>The last version in which Nicira's statistics have this subtype.</summary>
    public static OfVersion LastOfNicira(uint subtype) => subtype switch
    {
        NxFlow or NxAggregate or NxGroup or NxGroupDescription => OfVersion.OpenFlow10,
        NxGroupFeatures => OfVersion.OpenFlow11,
        NxFlowMonitor => OfVersion.OpenFlow12,
        _ => OfVersion.OpenFlow15,
    };

    /// <summary>The first version in which a multipart type exists.</summary>
    public static OfVersion Since(ushort type) => type switch
    {
        <= Queue => OfVersion.OpenFlow10,
        Group or GroupDescription => OfVersion.OpenFlow11,
        GroupFeatures => OfVersion.OpenFlow12,
        <= TableFeatures => OfVersion.OpenFlow13,
        PortDescription => OfVersion.OpenFlow10,
        <= FlowMonitor => OfVersion.OpenFlow14,
        _ => OfVersion.OpenFlow15,
    };
}
