using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.Json;

namespace Fabric.HostNode.Windows;

/// <summary>A network of the host's network service that containers are attached to.</summary>
internal sealed record ContainerNetwork(string Id, string Name, string Type, string SwitchId);

/// <summary>A container's NIC: its port is named as the endpoint is.</summary>
internal sealed record ContainerEndpoint(
    string Id, string NetworkId, string Name, string Mac, string Address);

/// <summary>Where the JSON of the host compute network service comes from.</summary>
internal interface IHcnSession
{
    /// <summary>Properties of all networks, each one JSON document of schema 2.</summary>
    IEnumerable<string> Networks();

    IEnumerable<string> Endpoints();
}

/// <summary>Networks and endpoints of HNS, read without trust in their shape.</summary>
internal static class HcnCatalogue
{
    public static IReadOnlyList<ContainerNetwork> Networks(IHcnSession session) =>
        [.. session.Networks().Select(ReadNetwork).OfType<ContainerNetwork>()];

    public static IReadOnlyList<ContainerEndpoint> Endpoints(IHcnSession session) =>
        [.. session.Endpoints().Select(ReadEndpoint).OfType<ContainerEndpoint>()];

    /// <summary>
    /// NICs of containers on transparent networks: those alone go through the external switch
    /// where the extension is.
    /// </summary>
    public static IReadOnlyList<VirtualNic> Nics(IHcnSession session)
    {
        var networks = Networks(session)
            .Where(network => network.Type.Equals(
                "Transparent", StringComparison.OrdinalIgnoreCase))
            .GroupBy(network => network.Id)
            .ToDictionary(group => group.Key, group => group.First());
        return
        [
            .. Endpoints(session).Where(endpoint => networks.ContainsKey(endpoint.NetworkId))
                .Select(endpoint => new VirtualNic(
                    endpoint.Id, networks[endpoint.NetworkId].SwitchId,
                    VirtualNicKind.Container, endpoint.Name, networks[endpoint.NetworkId].Name,
                    endpoint.Mac.Replace('-', ':').ToLowerInvariant(), IsConnected: true)),
        ];
    }

    private static ContainerNetwork? ReadNetwork(string json) => Read(json, root =>
        Text(root, "ID") is { Length: > 0 } id
            ? new ContainerNetwork(
                id, Text(root, "Name"), Text(root, "Type"), Text(root, "SwitchGuid"))
            : null);

    private static ContainerEndpoint? ReadEndpoint(string json) => Read(json, root =>
    {
        if (Text(root, "ID") is not { Length: > 0 } id) return null;
        var address = root.TryGetProperty("IpConfigurations", out var list)
            && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0
            ? Text(list[0], "IpAddress")
            : "";
        return new ContainerEndpoint(
            id, Text(root, "HostComputeNetwork"), Text(root, "Name"), Text(root, "MacAddress"),
            address);
    });

    private static T? Read<T>(string json, Func<JsonElement, T?> read) where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(document.RootElement)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object) return "";
        foreach (var property in element.EnumerateObject())
        {
            // "ID" in schema 2, "Id" in what some builds answer.
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
                && property.Value.ValueKind == JsonValueKind.String)
            {
                return property.Value.GetString() ?? "";
            }
        }

        return "";
    }
}

/// <summary>computenetwork.dll. Not yet run on a Windows host.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe partial class HcnSession : IHcnSession
{
    private const string Library = "computenetwork";

    public IEnumerable<string> Networks() => All(
        (char** ids, char** error) => EnumerateNetworks("{}", ids, error),
        id =>
        {
            if (OpenNetwork(in id, out var handle, out _) != 0) return null;
            char* properties = null;
            _ = QueryNetwork(handle, "{}", &properties, null);
            _ = CloseNetwork(handle);
            return Take(properties);
        });

    public IEnumerable<string> Endpoints() => All(
        (char** ids, char** error) => EnumerateEndpoints("{}", ids, error),
        id =>
        {
            if (OpenEndpoint(in id, out var handle, out _) != 0) return null;
            char* properties = null;
            _ = QueryEndpoint(handle, "{}", &properties, null);
            _ = CloseEndpoint(handle);
            return Take(properties);
        });

    private delegate int Enumeration(char** ids, char** error);

    private static List<string> All(Enumeration enumerate, Func<Guid, string?> query)
    {
        char* ids = null;
        char* error = null;
        var all = new List<string>();
        var result = enumerate(&ids, &error);
        Take(error);
        if (result != 0 || Take(ids) is not { } json) return all;
        using var list = JsonDocument.Parse(json);
        foreach (var item in list.RootElement.EnumerateArray())
        {
            if (Guid.TryParse(item.GetString(), out var id) && query(id) is { } properties)
            {
                all.Add(properties);
            }
        }

        return all;
    }

    /// <summary>A text that the service allocated; it is freed.</summary>
    private static string? Take(char* text)
    {
        if (text is null) return null;
        var copy = new string(text);
        Marshal.FreeCoTaskMem((nint)text);
        return copy;
    }

    [LibraryImport(Library, EntryPoint = "HcnEnumerateNetworks",
        StringMarshalling = StringMarshalling.Utf16)]
    private static partial int EnumerateNetworks(string query, char** ids, char** error);

    [LibraryImport(Library, EntryPoint = "HcnOpenNetwork")]
    private static partial int OpenNetwork(in Guid id, out nint network, out nint error);

    [LibraryImport(Library, EntryPoint = "HcnQueryNetworkProperties",
        StringMarshalling = StringMarshalling.Utf16)]
    private static partial int QueryNetwork(
        nint network, string query, char** properties, char** error);

    [LibraryImport(Library, EntryPoint = "HcnCloseNetwork")]
    private static partial int CloseNetwork(nint network);

    [LibraryImport(Library, EntryPoint = "HcnEnumerateEndpoints",
        StringMarshalling = StringMarshalling.Utf16)]
    private static partial int EnumerateEndpoints(string query, char** ids, char** error);

    [LibraryImport(Library, EntryPoint = "HcnOpenEndpoint")]
    private static partial int OpenEndpoint(in Guid id, out nint endpoint, out nint error);

    [LibraryImport(Library, EntryPoint = "HcnQueryEndpointProperties",
        StringMarshalling = StringMarshalling.Utf16)]
    private static partial int QueryEndpoint(
        nint endpoint, string query, char** properties, char** error);

    [LibraryImport(Library, EntryPoint = "HcnCloseEndpoint")]
    private static partial int CloseEndpoint(nint endpoint);
}
