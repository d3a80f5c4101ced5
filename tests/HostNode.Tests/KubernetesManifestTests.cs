using YamlDotNet.RepresentationModel;

namespace Fabric.HostNode.Tests;

/// <summary>k8s/ is checked against the parts of the Kubernetes schema that it uses.</summary>
public sealed class KubernetesManifestTests
{
    /// <summary>Fields that the API has at each place of a manifest (v1 and apps/v1).</summary>
    private static readonly Dictionary<string, string[]> Fields = new()
    {
        ["ConfigMap"] = ["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"],
        ["ServiceAccount"] =
            ["apiVersion", "kind", "metadata", "automountServiceAccountToken", "secrets"],
        ["DaemonSet"] = ["apiVersion", "kind", "metadata", "spec"],
        ["DaemonSet.spec"] =
            ["selector", "template", "updateStrategy", "minReadySeconds", "revisionHistoryLimit"],
        ["pod"] =
        [
            "serviceAccountName", "hostNetwork", "hostPID", "dnsPolicy", "priorityClassName",
            "terminationGracePeriodSeconds", "tolerations", "containers", "initContainers",
            "volumes", "nodeSelector", "securityContext",
        ],
        ["container"] =
        [
            "name", "image", "imagePullPolicy", "args", "command", "env", "securityContext",
            "readinessProbe", "livenessProbe", "resources", "volumeMounts", "ports",
        ],
        ["securityContext"] =
        [
            "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsUser",
            "capabilities",
        ],
        ["volumeMount"] =
            ["name", "mountPath", "subPath", "readOnly", "mountPropagation"],
        ["volume"] = ["name", "configMap", "secret", "hostPath", "emptyDir"],
    };

    [Fact]
    public void Every_object_has_only_fields_that_the_api_knows()
    {
        foreach (var manifest in Documents())
        {
            Check(manifest, Text(manifest, "kind"));
            Assert.NotEmpty(Text(Map(manifest, "metadata"), "name"));
        }

        var set = DaemonSet();
        Check(Map(set, "spec"), "DaemonSet.spec");
        var pod = Map(Map(Map(set, "spec"), "template"), "spec");
        Check(pod, "pod");
        foreach (var container in List(pod, "containers"))
        {
            Check(container, "container");
            Check(Map(container, "securityContext"), "securityContext");
            foreach (var mount in List(container, "volumeMounts")) Check(mount, "volumeMount");
        }

        foreach (var volume in List(pod, "volumes")) Check(volume, "volume");
    }

    [Fact]
    public void Selector_and_template_agree_and_every_mount_has_its_volume()
    {
        var spec = Map(DaemonSet(), "spec");
        var wanted = Map(Map(spec, "selector"), "matchLabels");
        var labels = Map(Map(Map(spec, "template"), "metadata"), "labels");
        foreach (var label in wanted.Children)
        {
            Assert.Equal(label.Value, labels.Children[label.Key]);
        }

        var pod = Map(Map(spec, "template"), "spec");
        var volumes = List(pod, "volumes").Select(volume => Text(volume, "name")).ToHashSet();
        var mounts = List(List(pod, "containers").Single(), "volumeMounts")
            .Select(mount => Text(mount, "name")).ToHashSet();
        Assert.Equal(volumes, mounts);
    }

    [Fact]
    public void The_host_node_is_not_privileged_and_names_its_capabilities()
    {
        var pod = Map(Map(Map(DaemonSet(), "spec"), "template"), "spec");
        Assert.Equal("true", Text(pod, "hostNetwork"));
        var security = Map(List(pod, "containers").Single(), "securityContext");
        Assert.Equal("false", Text(security, "privileged"));
        var capabilities = Map(security, "capabilities");
        var drop = (YamlSequenceNode)capabilities.Children["drop"];
        Assert.Equal("ALL", ((YamlScalarNode)drop.Single()).Value);
        Assert.DoesNotContain("SYS_ADMIN", capabilities.Children["add"].ToString());
    }

    private static void Check(YamlMappingNode node, string schema)
    {
        var names = node.Children.Keys.Select(key => ((YamlScalarNode)key).Value!);
        Assert.Empty(names.Except(Fields[schema]));
    }

    private static YamlMappingNode DaemonSet() =>
        Documents().Single(document => Text(document, "kind") == "DaemonSet");

    private static IEnumerable<YamlMappingNode> Documents()
    {
        var stream = new YamlStream();
        using var text = File.OpenText(Path.Combine(Checkout.Root, "k8s", "fabric.yaml"));
        stream.Load(text);
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode);
    }

    private static YamlMappingNode Map(YamlMappingNode node, string key) =>
        (YamlMappingNode)node.Children[key];

    private static IEnumerable<YamlMappingNode> List(YamlMappingNode node, string key) =>
        ((YamlSequenceNode)node.Children[key]).Cast<YamlMappingNode>();

    private static string Text(YamlMappingNode node, string key) =>
        ((YamlScalarNode)node.Children[key]).Value!;
}
