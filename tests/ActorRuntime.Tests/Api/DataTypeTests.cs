using Akka.Actor;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Messages, events, settings and exceptions say what they were made of.</summary>
public sealed class DataTypeTests
{
    [Fact]
    public void Types_that_carry_data_say_what_they_were_given()
    {
        var data = new DataTypes(ActorRefs.Nobody);
        data.Look(typeof(ActorSystem).Assembly.GetExportedTypes());
        data.Look(typeof(Akka.TestKit.TestKitBase).Assembly.GetExportedTypes());
        Assert.Empty(data.Problems);
        Assert.True(data.Exercised.Count > 200, $"only {data.Exercised.Count} members were seen");
    }
}
