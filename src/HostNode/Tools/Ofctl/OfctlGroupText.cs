using System.Text;
using System.Text.RegularExpressions;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Groups as ovs-ofctl reads and writes them.</summary>
internal static partial class OfctlGroupText
{
    private static readonly (string Name, OfGroupType Type)[] Types =
    [
        ("all", OfGroupType.All), ("select", OfGroupType.Select),
        ("indirect", OfGroupType.Indirect), ("fast_failover", OfGroupType.FastFailover),
        ("ff", OfGroupType.FastFailover),
    ];

    private static readonly (string Name, uint Id)[] Places =
    [
        ("first", GroupMod.BucketFirst), ("last", GroupMod.BucketLast),
        ("all", GroupMod.BucketAll),
    ];

    /// <summary>"group_id=1,type=select,bucket=...": a line of dump-groups.</summary>
    /// <param name="hasBucketIds">OpenFlow 1.5 and the groups of 1.0 have them.</param>
    public static string Format(OfGroupDescription group, bool hasBucketIds)
    {
        var text = new StringBuilder(Invariant(
            $"group_id={group.GroupId},type={NameOf(group.Type)}"));
        if (hasBucketIds) AppendSelection(text, group.Selection);
        return AppendBuckets(text, group.Type, group.Buckets, hasBucketIds).ToString();
    }

    /// <summary>"ADD group_id=1,type=select,bucket=...": as it is told with an error.</summary>
    public static string Format(GroupMod mod, bool hasBucketIds)
    {
        var name = mod.Command switch
        {
            GroupModCommand.Add => "ADD",
            GroupModCommand.Modify => "MOD",
            GroupModCommand.AddOrModify => "ADD_OR_MOD",
            GroupModCommand.Delete => "DEL",
            GroupModCommand.InsertBucket => "INSERT_BUCKET",
            _ => "REMOVE_BUCKET",
        };
        var number = mod.GroupId == OfGroupNumber.All ? "" : Invariant($"group_id={mod.GroupId}");
        if (mod.Command is GroupModCommand.InsertBucket or GroupModCommand.RemoveBucket)
        {
            var place = Places.FirstOrDefault(row => row.Id == mod.CommandBucketId).Name;
            number = Invariant(
                $"command_bucket_id:{place ?? Invariant($"{mod.CommandBucketId}")},{number}");
        }

        var text = new StringBuilder(name).Append(' ').Append(number);
        if (mod.Command is GroupModCommand.Delete or GroupModCommand.RemoveBucket)
            return text.ToString();
        text.Append(",type=").Append(NameOf(mod.Type));
        if (hasBucketIds) AppendSelection(text, mod.Selection);
        return AppendBuckets(text, mod.Type, mod.Buckets, hasBucketIds).ToString();
    }

    private static string NameOf(OfGroupType type) => type switch
    {
        OfGroupType.FastFailover => "ff",
        _ => Types.First(row => row.Type == type).Name,
    };

    private static void AppendSelection(StringBuilder text, OfSelectionMethod selection)
    {
        if (selection.Method.Length == 0) return;
        text.Append(",selection_method=").Append(selection.Method);
        if (selection.Parameter != 0)
            text.Append(Invariant($",selection_method_param={selection.Parameter}"));
        var fields = selection.Fields.AsEnumerable().Select(Describe).ToArray();
        if (fields.Length == 1) text.Append(",fields=").Append(fields[0]);
        else if (fields.Length > 1) text.Append($",fields({string.Join(',', fields)})");
    }

    /// <summary>The field, and which bits of it when they are not all.</summary>
    private static string Describe(MatchEntry field) =>
        field.Mask == field.Field.ExactMask
            ? field.Field.Name
            : $"{field.Field.Name}={OfFieldText.Format(field.Field, field.Mask)}";

    private static StringBuilder AppendBuckets(
        StringBuilder text, OfGroupType type, EquatableArray<OfBucket> buckets, bool hasIds)
    {
        foreach (var bucket in buckets.AsEnumerable())
        {
            text.Append(",bucket=");
            if (hasIds) text.Append(Invariant($"bucket_id:{bucket.BucketId},"));
            if (type == OfGroupType.Select && bucket.Weight != 1)
                text.Append(Invariant($"weight:{bucket.Weight},"));
            if (bucket.WatchPort != OfPort.Any)
                text.Append($"watch_port:{OfPort.ToText(bucket.WatchPort)},");
            if (bucket.WatchGroup != OfGroupNumber.Any)
                text.Append(Invariant($"watch_group:{bucket.WatchGroup},"));
            text.Append("actions=").Append(OfActionText.Format(bucket.Actions));
        }

        return text;
    }

    /// <summary>What add-group, mod-group, del-groups and the bucket commands take.</summary>
    public static bool TryParse(
        string text, GroupModCommand command, out GroupMod mod, out string error)
    {
        mod = new GroupMod(command, OfGroupType.All, OfGroupNumber.All, []);
        var parts = text.Split("bucket=", StringSplitOptions.None);
        var (hasId, hasType) = (false, false);
        foreach (var (key, value) in OfctlText.Split(parts[0]))
        {
            if (!TryProperty(key, value ?? "", ref mod, out error)) return false;
            hasId |= key == "group_id";
            hasType |= key == "type";
        }

        error = "";
        if (command is GroupModCommand.Delete) return true;
        if (!hasId) error = "must specify a group_id";
        else if (mod.GroupId > OfGroupNumber.Max)
            error = Invariant($"invalid group_id {mod.GroupId}");
        if (command is GroupModCommand.RemoveBucket || error.Length > 0) return error.Length == 0;
        if (!hasType && command is not GroupModCommand.InsertBucket)
            error = "must specify a type";
        return error.Length == 0 && TryBuckets(parts[1..], hasType, ref mod, out error);
    }

    private static bool TryProperty(string key, string value, ref GroupMod mod, out string error)
    {
        error = $"invalid {key} \"{value}\"";
        var isNumber = OfFieldText.TryNumber(value, out var number) && number <= ulong.MaxValue;
        switch (key)
        {
            case "group_id" when value == "all":
                break;
            case "group_id" when isNumber && number <= OfGroupNumber.Any:
                mod = mod with { GroupId = (uint)number };
                break;
            case "type" when Types.FirstOrDefault(row => row.Name == value) is { Name: { } } row:
                mod = mod with { Type = row.Type };
                break;
            case "type":
                error = $"invalid group type {value}";
                return false;
            case "command_bucket_id":
                var place = Places.FirstOrDefault(one => one.Name == value);
                if (place.Name is null && (!isNumber || number > GroupMod.BucketIdMax))
                    return false;
                mod = mod with { CommandBucketId = place.Name is null ? (uint)number : place.Id };
                break;
            case "selection_method":
                mod = mod with { Selection = mod.Selection with { Method = value } };
                break;
            case "selection_method_param" when isNumber:
                mod = mod with { Selection = mod.Selection with { Parameter = (ulong)number } };
                break;
            case "fields":
                return TryFields(value, ref mod, out error);
            default:
                if (key is not ("group_id" or "selection_method_param"))
                    error = $"unknown keyword {key}";
                return false;
        }

        error = "";
        return true;
    }

    private static bool TryFields(string value, ref GroupMod mod, out string error)
    {
        var fields = new List<MatchEntry>();
        foreach (var (key, bits) in OfctlText.Split(value))
        {
            if (MatchField.Find(key) is not { } field)
            {
                error = $"unknown field {key}";
                return false;
            }

            var mask = field.ExactMask;
            if (bits is not null && !OfFieldText.TryParse(field, bits, out mask, out _, out error))
                return false;
            fields.Add(new MatchEntry(field, 0, mask));
        }

        error = "";
        mod = mod with { Selection = mod.Selection with { Fields = [.. fields] } };
        return true;
    }

    private static bool TryBuckets(
        string[] texts, bool hasType, ref GroupMod mod, out string error)
    {
        error = "";
        var isSelect = mod.Type == OfGroupType.Select;
        // Without a type, as when buckets are inserted, a bucket has no weight of its own.
        var weight = (ushort)(hasType && isSelect ? 1 : 0);
        var buckets = new List<OfBucket>();
        foreach (var text in texts)
        {
            var bucket = new OfBucket(
                (uint)buckets.Count, weight, OfPort.Any, OfGroupNumber.Any, ActionList.Empty);
            if (mod.Command == GroupModCommand.InsertBucket)
                bucket = bucket with { BucketId = GroupMod.BucketAll };
            if (!TryBucket(text.TrimEnd(',', ' '), ref bucket, out error)) return false;
            buckets.Add(bucket);
        }

        if (mod.Type == OfGroupType.Indirect && buckets.Count != 1)
        {
            error = "An indirect group must have one bucket.";
            return false;
        }

        mod = mod with { Buckets = [.. buckets] };
        return true;
    }

    private static bool TryBucket(string text, ref OfBucket bucket, out string error)
    {
        while (Property().Match(text) is { Success: true } match)
        {
            var (key, value) = (match.Groups[1].Value, match.Groups[2].Value);
            error = $"invalid {key} \"{value}\"";
            if (key == "watch_port")
            {
                if (!OfPort.TryParse(value, out var port)) return false;
                bucket = bucket with { WatchPort = port };
            }
            else
            {
                if (!OfFieldText.TryNumber(value, out var number) || number > uint.MaxValue)
                    return false;
                bucket = key switch
                {
                    "weight" => bucket with { Weight = (ushort)number },
                    "bucket_id" => bucket with { BucketId = (uint)number },
                    _ => bucket with { WatchGroup = (uint)number },
                };
            }

            text = text[match.Length..];
        }

        var isParsed = OfActionText.TryParse(
            Keyword().Replace(text, ""), out var actions, out error);
        bucket = bucket with { Actions = actions };
        return isParsed;
    }

    [GeneratedRegex(@"^[,\s]*(weight|watch_port|watch_group|bucket_id)\s*[:=]\s*([^,\s]+)")]
    private static partial Regex Property();

    [GeneratedRegex(@"^[,\s]*(actions?=)?")]
    private static partial Regex Keyword();

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
