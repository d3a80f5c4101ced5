namespace Fabric.Configuration;

/// <summary>The key and certificates to show from now on; null while there are none.</summary>
/// <remarks>
/// Written by who follows files or rows, read by each new connection: those that stand go on.
/// </remarks>
public sealed class TlsSource
{
    private volatile TlsIdentity? _current;

    public TlsIdentity? Current
    {
        get => _current;
        set => _current = value;
    }
}
