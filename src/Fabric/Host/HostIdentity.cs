namespace Fabric.Host;

/// <summary>The host's name for life: given, or made once and kept in a file.</summary>
internal static class HostIdentity
{
    /// <param name="given">fabric.host.id, or "".</param>
    /// <param name="stateRoot">Folder that keeps the file "host-id".</param>
    /// <exception cref="HostSettingsException">The id cannot be used.</exception>
    public static string Find(string given, string stateRoot, Predicate<string> isValid)
    {
        var path = Path.Combine(stateRoot, "host-id");
        var id = given;
        if (id == "" && File.Exists(path)) id = File.ReadAllText(path).Trim();
        if (id == "")
        {
            id = Guid.NewGuid().ToString();
            Directory.CreateDirectory(stateRoot);
            File.WriteAllText(path, id + "\n");
        }

        return isValid(id)
            ? id
            : throw new HostSettingsException(
                $"\"{id}\" is no host id: use 1 to 63 letters, digits, '.', '_' or '-'");
    }
}
