using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>Reading a map of connections, whoever made it.</summary>
internal static unsafe class KernelConnections
{
    private const int Batch = 1024;

    public delegate void Visitor(in KernelConnection connection);

    public static void Visit(int map, Visitor visit)
    {
        var keys = (KernelTuple*)NativeMemory.Alloc(Batch, (nuint)sizeof(KernelTuple));
        var values = (KernelConnection*)NativeMemory.Alloc(
            Batch, (nuint)sizeof(KernelConnection));
        try
        {
            ulong from = 0, next = 0;
            var isFirst = true;
            while (true)
            {
                uint count = Batch;
                var result = LibBpf.LookupBatch(
                    map, isFirst ? null : &from, &next, keys, values, &count, null);
                if (result is 0 or -2)
                {
                    for (uint i = 0; i < count; i++) visit(in values[i]);
                }

                if (result != 0) return;
                isFirst = false;
                from = next;
            }
        }
        finally
        {
            NativeMemory.Free(keys);
            NativeMemory.Free(values);
        }
    }
}
