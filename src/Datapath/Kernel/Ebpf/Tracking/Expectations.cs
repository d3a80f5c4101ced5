namespace Fabric.Datapath;

/// <summary>Announced connections in the kernel's table: written here, fulfilled there.</summary>
/// <remarks>
/// The programs take an expectation away when its connection comes; what does not come is removed
/// here after its time. While none waits, the programs do not look.
/// </remarks>
internal sealed unsafe class Expectations(KernelObject kernel)
{
    /// <returns>False: the kernel has no room.</returns>
    public bool TryWrite(Expectation expectation, in KernelConnection control)
    {
        var record = new ConnectionRecord { Original = expectation.Key };
        var coming = Connection.At(ref record);
        expectation.Translate(coming);
        var key = KernelTuples.Of(expectation.Key);
        var value = new KernelExpectation
        {
            Control = control.Original,
            Reply = KernelTuples.Of(in coming.Reply),
            Expires = KernelClock.Now() + (ExpectationTable.LifeMilliseconds * 1_000_000UL),
            Nat = (uint)coming.Nat,
        };
        kernel.Settings[0].Expectations = 1;
        return LibBpf.Update(kernel.Expectations, &key, &value, LibBpf.UpdateAny) == 0;
    }

    public void Remove(Expectation expectation)
    {
        var key = KernelTuples.Of(expectation.Key);
        LibBpf.Delete(kernel.Expectations, &key);
    }

    /// <summary>False: its connection came, or its time is over.</summary>
    public bool IsWaiting(Expectation expectation)
    {
        var key = KernelTuples.Of(expectation.Key);
        KernelExpectation value;
        return LibBpf.Lookup(kernel.Expectations, &key, &value) == 0;
    }

    /// <summary>Removes what has expired, an earlier process's too.</summary>
    public void Sweep()
    {
        if (kernel.Settings[0].Expectations == 0) return;
        var now = KernelClock.Now();
        var isAnyLeft = false;
        KernelTuple key, next;
        KernelExpectation value;
        var result = LibBpf.NextKey(kernel.Expectations, null, &next);
        while (result == 0)
        {
            key = next;
            // The next one is found before this one may go.
            result = LibBpf.NextKey(kernel.Expectations, &key, &next);
            if (LibBpf.Lookup(kernel.Expectations, &key, &value) != 0) continue;
            if (value.Expires <= now) LibBpf.Delete(kernel.Expectations, &key);
            else isAnyLeft = true;
        }

        if (!isAnyLeft) kernel.Settings[0].Expectations = 0;
    }
}
