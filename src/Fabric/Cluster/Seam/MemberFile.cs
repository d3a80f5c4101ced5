using System.Collections.Immutable;
using System.Text.Json;

namespace Fabric.Cluster;

/// <summary>The members that this host has seen, through which it joins again.</summary>
/// <param name="Incarnation">Of the clustered system started last.</param>
/// <param name="WasMember">Was ever in a cluster, and so never forms one lightly.</param>
/// <param name="HasLeft">Left on an operator's word; joins again only on one.</param>
/// <param name="Addresses">By host id, this host included.</param>
public sealed record MemberList(
    long Incarnation, bool WasMember, bool HasLeft,
    ImmutableSortedDictionary<string, string> Addresses)
{
    public static readonly MemberList Nobody = new(0, false, false, Ordinal.EmptyMap<string>());
}

/// <summary>Keeps a <see cref="MemberList"/> in a file, replaced as a whole.</summary>
public sealed class MemberFile(string directory)
{
    private readonly string _path = Path.Combine(directory, "members.json");

    /// <summary>The list, or nobody's when there is no file.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is there and unreadable; remove it to let the host join through its seeds.
    /// </exception>
    public MemberList Read()
    {
        if (!File.Exists(_path)) return MemberList.Nobody;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(_path));
            var root = document.RootElement;
            var members = Ordinal.EmptyMap<string>().ToBuilder();
            foreach (var member in root.GetProperty("members").EnumerateObject())
                members[member.Name] = member.Value.GetString() ?? "";
            return new MemberList(
                root.GetProperty("incarnation").GetInt64(),
                root.GetProperty("wasMember").GetBoolean(),
                root.GetProperty("hasLeft").GetBoolean(), members.ToImmutable());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException
            or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException(
                $"{_path} is damaged; remove it and the host joins through its seeds.", e);
        }
    }

    public void Write(MemberList list)
    {
        Directory.CreateDirectory(directory);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new() { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("incarnation", list.Incarnation);
            writer.WriteBoolean("wasMember", list.WasMember);
            writer.WriteBoolean("hasLeft", list.HasLeft);
            writer.WriteStartObject("members");
            foreach (var (host, address) in list.Addresses) writer.WriteString(host, address);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        var fresh = _path + ".new";
        using (var file = File.Create(fresh))
        {
            file.Write(stream.GetBuffer().AsSpan(0, (int)stream.Length));
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, _path, overwrite: true);
    }
}
