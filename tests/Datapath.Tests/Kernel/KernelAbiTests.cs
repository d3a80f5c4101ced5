using System.Runtime.CompilerServices;

namespace Fabric.Datapath.Tests.Kernel;

/// <summary>KernelAbi.cs says what driver/include/fabric_kernel.h says.</summary>
public sealed unsafe class KernelAbiTests
{
    private const string Shim = """
        #include <stddef.h>
        #include "fabric_tcp.h"
        unsigned int fabric_test_size(int which)
        {
            switch (which) {
            case 0: return sizeof(struct fabric_flow_key);
            case 1: return sizeof(struct fabric_step);
            case 2: return sizeof(struct fabric_row);
            case 3: return sizeof(struct fabric_mask);
            case 4: return sizeof(struct fabric_order);
            case 5: return sizeof(struct fabric_megaflow);
            case 6: return sizeof(struct fabric_port);
            case 7: return sizeof(struct fabric_tunnel);
            case 8: return sizeof(struct fabric_tuple);
            case 9: return sizeof(struct fabric_conntrack_spec);
            case 10: return sizeof(struct fabric_connection);
            case 11: return sizeof(struct fabric_settings);
            case 12: return sizeof(struct fabric_execution);
            case 13: return sizeof(struct fabric_upcall);
            case 14: return FABRIC_STEP_COUNT;
            case 15: return offsetof(struct fabric_tunnel, options);
            case 16: return offsetof(struct fabric_connection, peers);
            case 17: return offsetof(struct fabric_upcall, key);
            case 18: return sizeof(struct fabric_meter);
            case 19: return sizeof(struct fabric_expectation);
            default: return sizeof(struct fabric_channel);
            }
        }
        """;

    [Fact]
    public void Structures_have_the_same_sizes_on_both_sides()
    {
        using var library = new DriverLibrary(Shim);
        var sizeOf = (delegate* unmanaged<int, uint>)library.Find("fabric_test_size");
        KernelTunnel tunnel = default;
        KernelConnection connection = default;
        KernelUpcall upcall = default;
        int[] here =
        [
            KernelAbi.KeySize, sizeof(KernelStep), sizeof(KernelRow), sizeof(KernelMask),
            sizeof(KernelOrder), sizeof(KernelMegaflow), sizeof(KernelPort), sizeof(KernelTunnel),
            sizeof(KernelTuple), sizeof(KernelConntrackSpec), sizeof(KernelConnection),
            sizeof(KernelSettings), sizeof(KernelExecution), sizeof(KernelUpcall),
            Enum.GetValues<StepKind>().Length,
            (int)((byte*)&tunnel.Options - (byte*)&tunnel),
            (int)((byte*)&connection.OriginalPeer - (byte*)&connection),
            (int)((byte*)&upcall.Key - (byte*)&upcall), sizeof(KernelMeter),
            sizeof(KernelExpectation), sizeof(KernelChannel),
        ];
        for (var i = 0; i < here.Length; i++) Assert.Equal((uint)here[i], sizeOf(i));
    }
}
