using System.Runtime.InteropServices;

namespace Fabric.Datapath.Tests;

/// <summary>Machines that do not take the programs: one line says why.</summary>
/// <remarks>The host node then warns with that line and uses the managed datapath.</remarks>
public sealed unsafe partial class EbpfLoadTests
{
    [EbpfTheory]
    [InlineData(0)]    // Nothing.
    [InlineData(5000)] // Cut in the middle.
    public void An_object_that_is_none_is_refused(int size)
    {
        using var scope = new NamespaceScope();
        var options = EbpfSupport.SmallOptions with { Programs = new byte[size] };
        Assert.False(EbpfDatapath.TryOpen(options, out var datapath, out var error));
        Assert.Null(datapath);
        AssertOneLine(error, "cannot be read");
    }

    [EbpfTheory]
    [InlineData("/sys/kernel/btf/none")]
    public void A_kernel_without_types_is_refused(string types) =>
        AssertOneLine(KernelObject.FindProblem(types)!, "BTF");

    /// <summary>Capabilities belong to the thread: the test's other threads keep theirs.</summary>
    [EbpfTheory]
    [InlineData("CAP_BPF")]
    public void Without_privilege_the_message_names_what_is_needed(string capability)
    {
        using var scope = new NamespaceScope();
        EbpfDatapath? datapath = null;
        var (isOpen, error) = (true, "");
        scope.Namespace.Run(() =>
        {
            DropCapabilities();
            isOpen = EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out datapath, out error);
        });
        Assert.False(isOpen);
        Assert.Null(datapath);
        AssertOneLine(error, capability);
    }

    private static void AssertOneLine(string error, string part)
    {
        Assert.Contains(part, error);
        Assert.DoesNotContain('\n', error);
    }

    private static void DropCapabilities()
    {
        const uint Version = 0x2008_0522;

        // struct __user_cap_header_struct and two of __user_cap_data_struct, all zero.
        var header = stackalloc uint[2] { Version, 0 };
        var none = stackalloc uint[6];
        new Span<uint>(none, 6).Clear();
        Assert.Equal(0, SetCapabilities(header, none));
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static partial int SetCapabilities(uint* header, uint* data);
}
