using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Two hosts with a datapath each and an underlay between them; a guest at each.</summary>
internal sealed class TunnelPair : IDisposable
{
    private readonly string _prefix;

    public TunnelPair(bool isIpv6)
    {
        _prefix = isIpv6 ? "fd00::" : "172.31.0.";
        DeviceLab.Wire(One, "w0", Left, "10.9.0.1/24");
        DeviceLab.Wire(Two, "w0", Right, "10.9.0.2/24");
        NetworkNamespace.Shell(
            $"ip -n {One.Name} link add u0 type veth peer name u0 netns {Two.Name}");
        for (var i = 0; i < 2; i++)
        {
            var host = i == 0 ? One : Two;
            NetworkNamespace.Shell(
                $"ip -n {host.Name} addr add {_prefix}{i + 1}/{(isIpv6 ? 64 : 24)} dev u0 "
                + (isIpv6 ? "nodad" : "") + $"; ip -n {host.Name} link set u0 up");
        }

        DeviceLab.AwaitUp(One, "u0");
        DeviceLab.AwaitUp(Two, "u0");
    }

    /// <summary>The guests.</summary>
    public NetworkNamespace Left { get; } = new();
    public NetworkNamespace Right { get; } = new();

    /// <summary>The hosts: w0 to the guest, u0 to the other host.</summary>
    public NetworkNamespace One { get; } = new();
    public NetworkNamespace Two { get; } = new();

    public IPAddress AddressOne => IPAddress.Parse(_prefix + "1");
    public IPAddress AddressTwo => IPAddress.Parse(_prefix + "2");

    /// <summary>Port 1: the guest; port 2: the tunnel, to 'remote' with tunnel id 5.</summary>
    /// <remarks>Call it inside one of the hosts.</remarks>
    public static UserspaceDatapath Tunnelled(
        TunnelKind kind, ushort port, IPAddress remote,
        TunnelFlags flags = TunnelFlags.Key | TunnelFlags.Checksum) =>
        Tunnelled(new TunnelPortSpec(kind, port), remote, flags, toGuest: null);

    /// <param name="spec">The tunnel's kind and port.</param>
    /// <param name="remote">The other host.</param>
    /// <param name="flags">What its headers have.</param>
    /// <param name="toGuest">
    /// Null: frames travel. Else packets without their Ethernet header do, and get this one.
    /// </param>
    public static UserspaceDatapath Tunnelled(
        TunnelPortSpec spec, IPAddress remote, TunnelFlags flags, PushEthernetAction? toGuest)
    {
        var datapath = DeviceLab.CrossConnected(
            new DatapathPortSpec("w0", DatapathPortKind.System),
            new DatapathPortSpec(
                "tun", DatapathPortKind.Tunnel, Tunnel: spec));
        var outer = new SetTunnelAction(Outer(spec.Kind, remote, flags));
        datapath.UpcallHandler = new DeviceLab.Switching(key => (key.InPort, toGuest) switch
        {
            (1, null) => [outer, new OutputAction(2)],
            (1, _) => [new PopEthernetAction(), outer, new OutputAction(2)],
            (_, null) => [new OutputAction(1)],
            _ => [toGuest, new OutputAction(1)],
        });
        return datapath;
    }

    public static TunnelMetadata Outer(TunnelKind kind, IPAddress remote, TunnelFlags flags) => new(
        5, IPAddress.Any, remote, 0, 64, flags, 0, 0,
        kind == TunnelKind.Geneve ? [1, 2, 0x80, 1, 0, 2, 0, 1] : [],
        Erspan: kind == TunnelKind.Erspan ? new ErspanMetadata(1, 7, 0, 0) : null);

    public void Dispose()
    {
        Left.Dispose();
        Right.Dispose();
        One.Dispose();
        Two.Dispose();
    }
}
