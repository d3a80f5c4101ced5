using System.Reflection.Metadata;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>What a compiled assembly refers to in the runtime and its test kit.</summary>
internal static class AssemblyMembers
{
    private static readonly string[] Homes = ["Fabric.ActorRuntime", "Fabric.ActorRuntime.TestKit"];

    /// <summary>"Namespace.Type+Nested" for each type reference.</summary>
    public static IEnumerable<string> TypesReferencedBy(MetadataReader metadata)
    {
        foreach (var handle in metadata.TypeReferences)
        {
            if (NameOf(metadata, handle) is { } type) yield return type;
        }
    }

    /// <summary>"Namespace.Type+Nested.Member" for each member reference.</summary>
    public static IEnumerable<string> ReferencedBy(MetadataReader metadata)
    {
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            var name = metadata.GetString(member.Name);
            if (ParentOf(metadata, member.Parent) is { } type) yield return $"{type}.{name}";
        }
    }

    private static string? ParentOf(MetadataReader metadata, EntityHandle parent) =>
        parent.Kind switch
        {
            HandleKind.TypeReference => NameOf(metadata, (TypeReferenceHandle)parent),
            HandleKind.TypeSpecification => GenericOf(
                metadata, metadata.GetTypeSpecification((TypeSpecificationHandle)parent)),
            _ => null,
        };

    /// <summary>The definition of a closed generic type, from its signature.</summary>
    private static string? GenericOf(MetadataReader metadata, TypeSpecification specification)
    {
        var reader = metadata.GetBlobReader(specification.Signature);
        if (reader.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return null;
        reader.ReadSignatureTypeCode();
        var handle = reader.ReadTypeHandle();
        return handle.Kind == HandleKind.TypeReference
            ? NameOf(metadata, (TypeReferenceHandle)handle)
            : null;
    }

    /// <returns>Null for types of other assemblies.</returns>
    private static string? NameOf(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        switch (type.ResolutionScope.Kind)
        {
            case HandleKind.TypeReference:
                var outer = NameOf(metadata, (TypeReferenceHandle)type.ResolutionScope);
                return outer is null ? null : $"{outer}+{name}";
            case HandleKind.AssemblyReference:
                var assembly = metadata.GetAssemblyReference(
                    (AssemblyReferenceHandle)type.ResolutionScope);
                return Homes.Contains(metadata.GetString(assembly.Name))
                    ? $"{metadata.GetString(type.Namespace)}.{name}"
                    : null;
            default:
                return null;
        }
    }
}
