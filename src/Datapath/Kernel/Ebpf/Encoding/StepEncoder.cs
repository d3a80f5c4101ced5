using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Datapath actions as the kernel's steps (fabric_kernel.h).</summary>
/// <remarks>
/// What the kernel cannot do ends the list with a step "slow": the packet goes up with the number
/// of what is left, the host node does the one action and sends the packet back for the rest.
/// </remarks>
internal static class StepEncoder
{
    /// <summary>Below this, headers could be cut off, which the kernel refuses.</summary>
    private const uint TruncateMin = 96;
    private const uint VlanTagSize = 4;

    public static void Encode(
        ReadOnlySpan<DatapathAction> actions, StepProgram program, StepSpecs specs)
    {
        uint cut = 0;
        var hasTunnel = false;
        for (var i = 0; i < actions.Length; i++)
        {
            var isLast = i == actions.Length - 1;
            var action = actions[i];
            if (!CanDo(action) || (hasTunnel && action is RecirculateAction))
            {
                program.Add(new KernelStep
                {
                    Kind = StepKind.Slow,
                    C = specs.Continuation(actions[i..], program),
                });
                return;
            }

            hasTunnel |= action is SetTunnelAction;
            if (action is TruncateAction truncate)
            {
                cut = truncate.SizeMax;
                continue;
            }

            if (cut != 0) cut = Cut(cut, action);
            if (cut != 0 && action is OutputAction)
            {
                var row = program.Branch(actions.Slice(i, 1), specs);
                program.Add(new KernelStep { Kind = StepKind.Clone, C = row, Value = cut });
                cut = 0;
                continue;
            }

            if (action is ConntrackAction conntrack)
            {
                program.Add(new KernelStep
                {
                    Kind = StepKind.Conntrack,
                    C = specs.Conntrack(conntrack, program),
                    Value = program.HasConntrackRest
                        ? specs.ConntrackRest(actions[i..], program)
                        : 0,
                });
                continue;
            }

            Encode(action, isLast, program, specs);
        }

        program.Add(new KernelStep { Kind = StepKind.End });
    }

    /// <summary>What is cut off stays the same when a tag comes or goes before it.</summary>
    private static uint Cut(uint size, DatapathAction action) => action switch
    {
        PushVlanAction when size <= ushort.MaxValue => size + VlanTagSize,
        PopVlanAction => size - VlanTagSize,
        _ => size,
    };

    /// <summary>It changes headers, the packet's or those that its tunnel will write.</summary>
    public static bool IsEdit(DatapathAction action) => action
        is PushVlanAction or PopVlanAction or SetEthernetAction or SetIpv4Action or SetIpv6Action
        or SetIcmpAction or SetArpAction or SetPortsAction or SetTunnelAction or DecrementTtlAction;

    /// <summary>The kernel does this action itself.</summary>
    public static bool CanDo(DatapathAction action) => action switch
    {
        OutputAction or UserspaceAction or PushVlanAction or PopVlanAction or SetEthernetAction
            or SetIpv4Action or SetIpv6Action or SetIcmpAction or SetArpAction
            or SetPacketMarkAction or SetPriorityAction or SetTunnelAction or RecirculateAction
            or SampleAction or CloneAction or CheckPacketLengthAction or ConntrackClearAction
            or DropAction or DecrementTtlAction or ConntrackAction or MeterAction
            or HashAction => true,
        SetPortsAction set => set.Protocol != IpProtocol.Sctp,
        TruncateAction truncate => truncate.SizeMax >= TruncateMin,
        _ => false,
    };

    private static void Encode(
        DatapathAction action, bool isLast, StepProgram program, StepSpecs specs)
    {
        var last = (byte)(isLast ? 1 : 0);
        switch (action)
        {
            case OutputAction output:
                program.Add(new KernelStep { Kind = StepKind.Output, A = last, C = output.Port });
                break;
            case UserspaceAction userspace:
                program.Add(StepKind.Userspace, specs.Userdata(userspace.Userdata, program));
                break;
            case RecirculateAction recirculate:
                program.Add(new KernelStep
                {
                    Kind = StepKind.Recirculate,
                    A = last,
                    C = KernelKey.WithEpoch(
                        BinaryPrimitives.ReverseEndianness(recirculate.RecirculationId),
                        specs.Epoch),
                });
                break;
            case MeterAction meter:
                program.Add(StepKind.Meter, meter.MeterId);
                break;
            case HashAction hash:
                program.Add(new KernelStep
                {
                    Kind = StepKind.Hash,
                    A = (byte)(hash.Algorithm == HashAlgorithm.SymmetricL4 ? 1 : 0),
                    C = hash.Basis,
                });
                break;
            case ConntrackClearAction:
                program.Add(StepKind.ConntrackClear, 0);
                break;
            case SetTunnelAction tunnel:
                program.Add(StepKind.Tunnel, specs.Tunnel(tunnel.Tunnel, program));
                break;
            case DropAction drop:
                var reason = drop.Reason == DropReason.None
                    ? DropReason.ExplicitDrop
                    : drop.Reason;
                program.Add(new KernelStep { Kind = StepKind.Drop, B = (ushort)reason });
                break;
            case CloneAction or SampleAction or CheckPacketLengthAction:
                EncodeBranches(action, last, program, specs);
                break;
            default:
                EncodeEdit(action, program);
                break;
        }
    }

    private static void EncodeBranches(
        DatapathAction action, byte last, StepProgram program, StepSpecs specs)
    {
        switch (action)
        {
            case CloneAction clone:
                program.Add(new KernelStep
                {
                    Kind = StepKind.Clone,
                    A = last,
                    C = program.Branch(clone.Actions, specs),
                });
                break;
            case SampleAction sample:
                program.Add(new KernelStep
                {
                    Kind = StepKind.Sample,
                    C = program.Branch(sample.Actions, specs),
                    Value = sample.Probability == uint.MaxValue ? 1UL << 32 : sample.Probability,
                });
                break;
            case CheckPacketLengthAction check:
                program.Add(new KernelStep
                {
                    Kind = StepKind.Length,
                    A = last,
                    B = check.Length,
                    C = program.Branch(check.IfGreater, specs),
                    Value = program.Branch(check.IfLessOrEqual, specs),
                });
                break;
        }
    }

    private static void EncodeEdit(DatapathAction action, StepProgram program)
    {
        switch (action)
        {
            case PushVlanAction push:
                program.Add(new KernelStep
                {
                    Kind = StepKind.PushVlan,
                    B = (ushort)(push.Tci & 0xEFFF),
                    C = push.Tpid,
                });
                break;
            case PopVlanAction:
                program.Add(StepKind.PopVlan, 0);
                break;
            case SetEthernetAction set:
                Link(program, 0, set.Destination, set.DestinationMask);
                Link(program, 6, set.Source, set.SourceMask);
                break;
            case SetIpv4Action set:
                Address(program, 12, set.SourceWire, set.SourceMaskWire);
                Address(program, 16, set.DestinationWire, set.DestinationMaskWire);
                Byte(program, StepKind.SetTos, set.Tos, set.TosMask);
                Byte(program, StepKind.SetTtl, set.Ttl, set.TtlMask);
                break;
            case SetIpv6Action set:
                Address(program, 8, set.Source, set.SourceMask);
                Address(program, 24, set.Destination, set.DestinationMask);
                Network(program, 0, 4, set.LabelWire, set.LabelMaskWire);
                Byte(program, StepKind.SetTos, set.Tos, set.TosMask);
                Byte(program, StepKind.SetTtl, set.HopLimit, set.HopLimitMask);
                break;
            case DecrementTtlAction:
                program.Add(StepKind.DecrementTtl, 0);
                break;
            case SetPortsAction set:
                Masked(program, StepKind.SetPorts,
                    set.SourceWire | ((uint)set.DestinationWire << 16),
                    set.SourceMaskWire | ((uint)set.DestinationMaskWire << 16));
                break;
            case SetIcmpAction set:
                Masked(program, StepKind.SetIcmp, (uint)(set.Type | (set.Code << 8)),
                    (uint)(set.TypeMask | (set.CodeMask << 8)));
                break;
            case SetArpAction set:
                EncodeArp(set, program);
                break;
            case SetPacketMarkAction set:
                Masked(program, StepKind.SetMark, BinaryPrimitives.ReverseEndianness(set.Value),
                    BinaryPrimitives.ReverseEndianness(set.Mask));
                break;
            case SetPriorityAction set:
                program.Add(StepKind.SetPriority, set.Value);
                break;
        }
    }

    private static void EncodeArp(SetArpAction set, StepProgram program)
    {
        Network(program, 6, 2, BinaryPrimitives.ReverseEndianness(set.Opcode),
            BinaryPrimitives.ReverseEndianness(set.OpcodeMask));
        Network(program, 8, 6, WordOf(set.SenderMac), WordOf(set.SenderMacMask));
        Network(program, 14, 4, set.SenderIpWire, set.SenderIpMaskWire);
        Network(program, 18, 6, WordOf(set.TargetMac), WordOf(set.TargetMacMask));
        Network(program, 24, 4, set.TargetIpWire, set.TargetIpMaskWire);
    }

    private static void Link(StepProgram program, ushort offset, MacBytes value, MacBytes mask)
    {
        if (WordOf(mask) == 0) return;
        program.Add(new KernelStep
        {
            Kind = StepKind.SetLink,
            A = MacBytes.Size,
            B = offset,
            Value = WordOf(value),
            Mask = WordOf(mask),
        });
    }

    private static void Network(
        StepProgram program, ushort offset, byte size, ulong value, ulong mask)
    {
        if (mask == 0) return;
        program.Add(new KernelStep
        {
            Kind = StepKind.SetNetwork,
            A = size,
            B = offset,
            Value = value,
            Mask = mask,
        });
    }

    private static void Address(StepProgram program, ushort offset, uint value, uint mask)
    {
        if (mask == 0) return;
        program.Add(new KernelStep
        {
            Kind = StepKind.SetAddress,
            A = 4,
            B = offset,
            Value = value,
            Mask = mask,
        });
    }

    private static void Address(
        StepProgram program, ushort offset, Ipv6Bytes value, Ipv6Bytes mask)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        Span<byte> maskBytes = stackalloc byte[Ipv6Bytes.Size];
        value.CopyTo(bytes);
        mask.CopyTo(maskBytes);
        for (ushort i = 0; i < Ipv6Bytes.Size; i += 8)
        {
            var bits = MemoryMarshal.Read<ulong>(maskBytes[i..]);
            if (bits == 0) continue;
            program.Add(new KernelStep
            {
                Kind = StepKind.SetAddress,
                A = 8,
                B = (ushort)(offset + i),
                Value = MemoryMarshal.Read<ulong>(bytes[i..]),
                Mask = bits,
            });
        }
    }

    private static void Byte(StepProgram program, StepKind kind, byte value, byte mask)
    {
        if (mask != 0) Masked(program, kind, value, mask);
    }

    private static void Masked(StepProgram program, StepKind kind, uint value, uint mask) =>
        program.Add(new KernelStep { Kind = kind, Value = value, Mask = mask });

    /// <summary>The address's bytes as the first six of a word in memory.</summary>
    private static ulong WordOf(MacBytes mac)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        mac.CopyTo(bytes);
        return MemoryMarshal.Read<ulong>(bytes);
    }
}
