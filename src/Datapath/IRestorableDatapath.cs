namespace Fabric.Datapath;

/// <summary>A datapath whose flows outlive the process that put them.</summary>
public interface IRestorableDatapath
{
    /// <summary>
    /// While set, flows of the earlier process stay at work and nothing is decided anew: packets
    /// that they do not fit are dropped. When it is set back, those flows and ports of the earlier
    /// process that nobody has claimed go. Open_vSwitch.other_config:flow-restore-wait.
    /// </summary>
    bool IsRestoring { get; set; }
}
