namespace Fabric.Wire.Ovsdb;

/// <summary>What an OVSDB peer may ask of us; beyond it the connection is closed.</summary>
public static class OvsdbLimits
{
    /// <summary>Nested arrays and objects in one JSON message.</summary>
    public const int JsonDepthMax = 1000;

    /// <summary>Bytes of one JSON message.</summary>
    public const int MessageSizeMax = 64 * 1024 * 1024;
}
