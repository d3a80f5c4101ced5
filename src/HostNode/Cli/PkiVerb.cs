using System.CommandLine;
using Fabric.HostNode.Pki;

namespace Fabric.HostNode.Cli;

/// <summary>fabric pki: the certificates of a cluster.</summary>
internal static class PkiVerb
{
    public static Command Create()
    {
        var verb = new Command("pki",
            "Makes the cluster's certificates (EC P-256; the name is the host id).\n"
            + "Example: fabric pki init /etc/fabric/pki && fabric pki issue /etc/fabric/pki host1");
        verb.Subcommands.Add(Init());
        verb.Subcommands.Add(Issue());
        verb.Subcommands.Add(ForHost("rotate",
            "Gives a host a new key and certificate. Example: fabric pki rotate /etc/fabric/pki host1",
            (authority, host) => authority.Rotate(host)));
        verb.Subcommands.Add(ForHost("revoke",
            "Puts a host on the revocation list. Example: fabric pki revoke /etc/fabric/pki host1",
            (authority, host) => authority.Revoke(host)));
        return verb;
    }

    private static Command Init()
    {
        var folder = Folder();
        var name = new Option<string>("--name")
        {
            Description = "The authority's common name.",
            DefaultValueFactory = _ => "Fabric cluster",
        };
        var command = new Command("init",
            "Makes an authority in a folder. Example: fabric pki init /etc/fabric/pki")
        {
            folder, name,
        };
        command.SetAction(result => Run(() =>
        {
            var path = result.GetValue(folder)!;
            new CertificateAuthority(path, TimeProvider.System).Init(result.GetValue(name)!);
            Console.WriteLine($"{path}/ca.pem");
        }));
        return command;
    }

    private static Command Issue()
    {
        var folder = Folder();
        var host = HostId();
        var addresses = new Option<string[]>("--address")
        {
            Description = "An address or name that the host is reached by; may be repeated.",
        };
        var roles = new Option<string[]>("--role")
        {
            Description = "A role granted to the host: voter, gateway; may be repeated.",
        };
        var command = new Command("issue",
            "Makes a host's key and certificate.\n"
            + "Example: fabric pki issue /etc/fabric/pki host1 --address 192.0.2.11 --role voter")
        {
            folder, host, addresses, roles,
        };
        command.SetAction(result => Run(() =>
        {
            var path = result.GetValue(folder)!;
            var id = result.GetValue(host)!;
            new CertificateAuthority(path, TimeProvider.System).Issue(
                id, result.GetValue(addresses) ?? [], result.GetValue(roles) ?? []);
            Console.WriteLine($"{path}/{id}.pem");
        }));
        return command;
    }

    private static Command ForHost(
        string name, string description, Action<CertificateAuthority, string> action)
    {
        var folder = Folder();
        var host = HostId();
        var command = new Command(name, description) { folder, host };
        command.SetAction(result => Run(() => action(
            new CertificateAuthority(result.GetValue(folder)!, TimeProvider.System),
            result.GetValue(host)!)));
        return command;
    }

    private static Argument<string> Folder() =>
        new("DIR") { Description = "The folder with the authority's files." };

    private static Argument<string> HostId() =>
        new("HOST") { Description = "The host id (Open_vSwitch external_ids:system-id)." };

    private static int Run(Action action)
    {
        try
        {
            action();
            return ExitCode.Ok;
        }
        catch (Exception error) when (error is PkiException or IOException
            or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            Console.Error.WriteLine($"fabric pki: {error.Message}");
            return ExitCode.Failed;
        }
    }
}
