using System.Runtime.InteropServices;
using Akka.Actor;

namespace Fabric.Simulation;

/// <summary>One number for all that happened in a run: FNV-1a over 64-bit words.</summary>
internal sealed class RunTrace
{
    private const ulong Prime = 1_099_511_628_211;

    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037;

    public long FrameCount { get; private set; }

    public long ByteCount { get; private set; }

    public void Frame(TimeSpan at, Address from, Address to, ReadOnlySpan<byte> frame)
    {
        FrameCount++;
        ByteCount += frame.Length;
        Number(at.Ticks);
        Text(from.Host!);
        Text(to.Host!);
        Bytes(frame);
    }

    public void Number(long number) => Hash = (Hash ^ (ulong)number) * Prime;

    public void Text(string text)
    {
        foreach (var letter in text) Hash = (Hash ^ letter) * Prime;
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) Hash = (Hash ^ word) * Prime;
        foreach (var one in bytes[(words.Length * 8)..]) Hash = (Hash ^ one) * Prime;
    }
}
