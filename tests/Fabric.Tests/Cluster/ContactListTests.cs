using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>Whom a host asks that looks for its cluster.</summary>
public sealed class ContactListTests
{
    private static FabricStart StartOf(int known, params ImmutableArray<string> seeds)
    {
        var addresses = Enumerable.Range(0, known).ToImmutableSortedDictionary(
            number => $"h{number:D4}", number => $"address{number}", StringComparer.Ordinal);
        return new FabricStart(3, false, [.. addresses.Values, .. seeds])
        {
            KnownHosts = addresses.Add("self", "own"),
        };
    }

    [Fact]
    public void Few_are_asked_all_every_time()
    {
        var start = StartOf(10, "seed1");
        var list = new ContactList("self", start);
        Assert.False(list.IsLarge);
        Assert.Equal(start.Contacts, list.Next(VoterSet.None));
        Assert.Equal(start.Contacts, list.Next(VoterSet.Of("h0001")));
    }

    [Fact]
    public void Of_many_some_are_asked_and_by_and_by_all()
    {
        var list = new ContactList("self", StartOf(100, "seed1"));
        var voters = VoterSet.Of("h0007", "self", "gone");
        var asked = new HashSet<string>();
        for (var round = 0; round < 7; round++)
        {
            var next = list.Next(voters);
            Assert.InRange(next.Length, ContactList.CountAtOnce, ContactList.CountAtOnce + 2);
            Assert.Equal("address7 seed1", string.Join(' ', next[..2]));
            Assert.Equal(next.Length, next.Distinct().Count());
            asked.UnionWith(next);
        }

        Assert.Equal(101, asked.Count);
    }

    [Fact]
    public void Hosts_that_come_back_together_ask_different_ones()
    {
        var start = StartOf(1000);
        var firsts = Enumerable.Range(0, 200).Select(
            host => new ContactList($"h{host:D4}", start).Next(VoterSet.None)[0]);
        Assert.InRange(firsts.Distinct().Count(), 100, 200);
    }
}
