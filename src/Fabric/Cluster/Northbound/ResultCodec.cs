using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>The bytes of a transaction's results, version 1.</summary>
/// <remarks>
/// A result: 1 kind, 2 UUID, 3 count, 4 column names, 5 rows (1 data), 6-8 error tag, details,
/// syntax. A datum: 1 is map, 2 keys, 3 values. An atom: 1 type, 2 number, 3 text, 4 UUID.
/// </remarks>
internal static class ResultCodec
{
    private const int Inserted = 1;
    private const int Counted = 2;
    private const int Selected = 3;
    private const int Done = 4;
    private const int Skipped = 5;
    private const int Failed = 6;

    public static FieldWriter Fields(OperationResult result)
    {
        var to = new FieldWriter();
        switch (result)
        {
            case OperationResult.Inserted inserted:
                return to.Number(1, Inserted).Uuid(2, inserted.Uuid);
            case OperationResult.Counted counted:
                return to.Number(1, Counted).Number(3, counted.Count);
            case OperationResult.Selected selected:
                to.Number(1, Selected).Texts(4, selected.Columns);
                foreach (var row in selected.Rows)
                {
                    var data = new FieldWriter();
                    foreach (var datum in row) data.Item(1, Fields(datum));
                    to.Item(5, data);
                }

                return to;
            case OperationResult.Failed failed:
                return to.Number(1, Failed).Text(6, failed.Error.Tag)
                    .Text(7, failed.Error.Details).Text(8, failed.Error.Syntax);
            default:
                return to.Number(1, result is OperationResult.Skipped ? Skipped : Done);
        }
    }

    public static OperationResult? Read(ref FieldReader outer)
    {
        var (kind, uuid, count) = (0L, Guid.Empty, 0L);
        var columns = ImmutableArray.CreateBuilder<string>();
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<Datum>>();
        string? tag = null, details = null, syntax = null;
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: kind = reader.Number; break;
                case 2: uuid = reader.Uuid(); break;
                case 3: count = reader.Number; break;
                case 4: columns.Add(reader.Text()); break;
                case 5: rows.Add(ReadRow(ref reader)); break;
                case 6: tag = reader.Text(); break;
                case 7: details = reader.Text(); break;
                case 8: syntax = reader.Text(); break;
            }
        }

        if (reader.IsMalformed || rows.Any(row => row.Length != columns.Count))
        {
            outer.Fail();
            return null;
        }

        return kind switch
        {
            Inserted => new OperationResult.Inserted(uuid),
            Counted => new OperationResult.Counted((int)count),
            Selected => new OperationResult.Selected(columns.ToImmutable(), rows.ToImmutable()),
            Done => OperationResult.Done.Instance,
            Skipped => OperationResult.Skipped.Instance,
            Failed => new OperationResult.Failed(new OvsdbError(tag ?? "", details, syntax)),
            _ => null,
        };
    }

    private static ImmutableArray<Datum> ReadRow(ref FieldReader outer)
    {
        var data = ImmutableArray.CreateBuilder<Datum>();
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) data.Add(ReadDatum(ref reader));
        }

        if (reader.IsMalformed) outer.Fail();
        return data.ToImmutable();
    }

    private static FieldWriter Fields(Datum datum)
    {
        var to = new FieldWriter().Flag(1, datum.IsMap);
        foreach (var key in datum.Keys) to.Item(2, Fields(key));
        foreach (var value in datum.Values) to.Item(3, Fields(value));
        return to;
    }

    private static Datum ReadDatum(ref FieldReader outer)
    {
        var isMap = false;
        var keys = new List<Atom>();
        var values = new List<Atom>();
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: isMap = reader.Flag; break;
                case 2: keys.Add(ReadAtom(ref reader)); break;
                case 3: values.Add(ReadAtom(ref reader)); break;
            }
        }

        if (reader.IsMalformed || (isMap && keys.Count != values.Count)) outer.Fail();
        if (outer.IsMalformed) return Datum.EmptySet;
        return isMap
            ? Datum.Map(keys.Zip(values, KeyValuePair.Create))
            : Datum.Set(keys);
    }

    private static FieldWriter Fields(Atom atom)
    {
        var to = new FieldWriter().Number(1, (long)atom.Type);
        return atom.Type switch
        {
            AtomType.Integer => to.Number(2, atom.Integer),
            AtomType.Real => to.Number(2, BitConverter.DoubleToInt64Bits(atom.Real)),
            AtomType.Boolean => to.Flag(2, atom.Boolean),
            AtomType.String => to.Text(3, atom.String),
            _ => to.Uuid(4, atom.Uuid),
        };
    }

    private static Atom ReadAtom(ref FieldReader outer)
    {
        var (type, number, text, uuid) = (0L, 0L, "", Guid.Empty);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: type = reader.Number; break;
                case 2: number = reader.Number; break;
                case 3: text = reader.Text(); break;
                case 4: uuid = reader.Uuid(); break;
            }
        }

        if (reader.IsMalformed || type is < 0 or > (long)AtomType.Uuid) outer.Fail();
        return (AtomType)type switch
        {
            AtomType.Integer => Atom.Of(number),
            AtomType.Real => Atom.Of(BitConverter.Int64BitsToDouble(number)),
            AtomType.Boolean => Atom.Of(number != 0),
            AtomType.String => Atom.Of(text),
            _ => Atom.Of(uuid),
        };
    }
}
