using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Queues of real devices: tc(8) shows the same after ovs-vswitchd and after ours.
/// </summary>
public sealed class QueueTests
{
    private const string Script = """
        show() { for d in va vb; do echo "-- $d"; ip netns exec $scope tc qdisc show dev $d |
          grep htb; ip netns exec $scope tc -d class show dev $d | sort; done
          ovs-appctl qos/show va | grep -v tx_ | sort; }
        ovs-vsctl add-br br -- set bridge br datapath_type=netdev -- add-port br va
        ovs-vsctl set port va qos=@q -- --id=@q create qos type=linux-htb \
          other-config:max-rate=10000000 queues=0=@a,5=@b,7=@c \
          -- --id=@a create queue other-config:min-rate=1000000 other-config:max-rate=2000000 \
          -- --id=@b create queue other-config:min-rate=100 other-config:burst=80000 \
             other-config:priority=3 -- --id=@c create queue dscp=3 > /dev/null
        show
        qos=$(ovs-vsctl get port va qos)
        ovs-vsctl remove qos $qos queues 7 -- set qos $qos other-config:max-rate=20000000
        show
        ovs-vsctl clear qos $qos other-config
        show
        ovs-vsctl set qos $qos type=linux-noop
        show
        ip netns exec $scope tc qdisc add dev vb root handle 7: htb
        ovs-vsctl set qos $qos type=linux-htb -- add-port br vb
        show
        ovs-appctl exit
        while kill -0 $(cat ovs-vswitchd.pid 2>/dev/null) 2>/dev/null; do sleep 0.05; done
        show 2>/dev/null
        ovs-vsctl --no-wait clear port va qos
        ip netns exec $scope ovs-vswitchd --detach --no-chdir --pidfile -vconsole:off
        show
        """;

    [Fact]
    public async Task Devices_are_laid_out_as_ovs_vswitchd_lays_them_out()
    {
        var stock = await AnswerAsync("s");
        var ours = await AnswerAsync("o", "ovs-vswitchd");

        Assert.Contains("class htb 1:6 parent 1:fffe prio 3", stock);
        Assert.Equal(stock, ours);
    }

    private static async Task<string> AnswerAsync(string name, params string[] replaced)
    {
        using var world = new DropInWorld(replaced);
        var scope = $"fabric-q{name}{Environment.ProcessId}";
        try
        {
            await world.SaysAsync($"""
                ip netns add {scope} && for i in a b; do
                ip -n {scope} link add v$i type veth peer name w$i &&
                ip -n {scope} link set v$i up && ip -n {scope} link set w$i up; done &&
                ovsdb-tool create conf.db {DropInWorld.Schema} &&
                ovsdb-server --detach --no-chdir --pidfile --log-file -vconsole:off \
                    --remote=punix:{world.Folder}/db.sock && ovs-vsctl --no-wait init &&
                ip netns exec {scope} ovs-vswitchd --detach --no-chdir --pidfile \
                    -vconsole:off
                """);
            return await world.SaysAsync($"scope={scope}\n{Script}");
        }
        finally
        {
            await Shell.RunAsync("ip", ["netns", "del", scope]);
        }
    }
}
