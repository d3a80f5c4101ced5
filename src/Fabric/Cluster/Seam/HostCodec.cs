using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>The bytes of what hosts say to each other, version 1.</summary>
/// <remarks>An envelope: 1 room, 2 manifest, 3 payload. Log messages: see LogCodec.</remarks>
public static class HostCodec
{
    public static byte[] Write(Addressee room, object payload) => new FieldWriter()
        .Number(1, (long)room).Text(2, ManifestOf(payload)).Bytes(3, WritePayload(payload))
        .ToArray();

    /// <param name="manifest">Also when false, for the count of unknown ones.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> bytes, out Addressee room, out string manifest, out object? payload)
    {
        (room, manifest, payload) = (0, "", null);
        ReadOnlySpan<byte> body = default;
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: room = (Addressee)reader.Number; break;
                case 2: manifest = reader.Text(); break;
                case 3: body = reader.Bytes; break;
            }
        }

        return !reader.IsMalformed && room is Addressee.Northbound or Addressee.Writer
            && TryReadPayload(manifest, body, out payload);
    }

    public static string ManifestOf(object payload) => payload switch
    {
        SubmitTransaction => "nb.submit.1",
        CancelSubmission => "nb.cancel.1",
        SubmissionAnswered => "nb.answered.1",
        SubmissionHeld => "nb.held.1",
        HostApplied => "nb.applied.1",
        RemoveVoter => "nb.remove-voter.1",
        _ => LogCodec.ManifestOf(payload)
            ?? throw new ArgumentException($"{payload.GetType()} does not travel."),
    };

    private static byte[] WritePayload(object payload)
    {
        var to = new FieldWriter();
        switch (payload)
        {
            case SubmitTransaction m:
                to.Item(1, TransactionEntry.Fields(m.Request)).Bytes(2, m.Operations.Span)
                    .Texts(3, m.Origin.Locks.Order(StringComparer.Ordinal))
                    .Text(4, m.Origin.Role).Text(5, m.Origin.ClientId);
                break;
            case CancelSubmission m:
                to.Item(1, TransactionEntry.Fields(m.Request));
                break;
            case SubmissionAnswered m:
                to.Item(1, TransactionEntry.Fields(m.Request)).Number(2, m.AfterSequence);
                foreach (var result in m.Results) to.Item(3, ResultCodec.Fields(result));
                if (m.Error is { } error)
                    to.Item(4, ResultCodec.Fields(new OperationResult.Failed(error)));
                break;
            case SubmissionHeld m:
                to.Item(1, TransactionEntry.Fields(m.Request)).Flag(2, m.IsWaiting)
                    .Number(3, m.ReachableVoters).Number(4, m.Voters);
                break;
            case HostApplied m:
                to.Number(1, m.Sequence).Number(2, m.NbCfg);
                break;
            case RemoveVoter m:
                to.Text(1, m.Host).Flag(2, m.IsForced);
                break;
            default:
                return LogCodec.Write(payload);
        }

        return to.ToArray();
    }

    private static bool TryReadPayload(
        string manifest, ReadOnlySpan<byte> bytes, out object? payload)
    {
        if (manifest.StartsWith("log.", StringComparison.Ordinal))
            return LogCodec.TryRead(manifest, bytes, out payload);
        payload = null;
        var fields = new PayloadFields();
        if (!fields.TryRead(manifest, bytes)) return false;
        payload = manifest switch
        {
            "nb.submit.1" => new SubmitTransaction(
                fields.Request, fields.Body,
                new TransactionOrigin([.. fields.Texts], fields.Text4, fields.Text5)),
            "nb.cancel.1" => new CancelSubmission(fields.Request),
            "nb.answered.1" => new SubmissionAnswered(
                fields.Request, fields.Results.ToImmutable(), fields.Error, fields.Number2),
            "nb.held.1" => new SubmissionHeld(
                fields.Request, fields.Number2 != 0, (int)fields.Number3, (int)fields.Number4),
            "nb.applied.1" => new HostApplied(fields.Number1, fields.Number2),
            "nb.remove-voter.1" => new RemoveVoter(fields.Text1, fields.Number2 != 0),
            _ => null,
        };
        return payload is not null;
    }

    /// <summary>Fields by number; which of them a manifest has says the writer above.</summary>
    private sealed class PayloadFields
    {
        public RequestId Request { get; private set; }

        public string Text1 { get; private set; } = "";

        public string Text4 { get; private set; } = "";

        public string Text5 { get; private set; } = "";

        public long Number1 { get; private set; }

        public long Number2 { get; private set; }

        public long Number3 { get; private set; }

        public long Number4 { get; private set; }

        public ReadOnlyMemory<byte> Body { get; private set; }

        public List<string> Texts { get; } = [];

        public ImmutableArray<OperationResult>.Builder Results { get; } =
            ImmutableArray.CreateBuilder<OperationResult>();

        public OvsdbError? Error { get; private set; }

        public bool TryRead(string manifest, ReadOnlySpan<byte> bytes)
        {
            var reader = new FieldReader(bytes);
            while (reader.TryNext()) Take(manifest, ref reader);
            return !reader.IsMalformed;
        }

        private void Take(string manifest, ref FieldReader reader)
        {
            var isSubmit = manifest == "nb.submit.1";
            switch (reader.Field)
            {
                case 1 when manifest == "nb.applied.1": Number1 = reader.Number; break;
                case 1 when manifest == "nb.remove-voter.1": Text1 = reader.Text(); break;
                case 1: Request = TransactionEntry.ReadRequest(ref reader); break;
                case 2 when isSubmit: Body = reader.Bytes.ToArray(); break;
                case 2: Number2 = reader.Number; break;
                case 3 when isSubmit: Texts.Add(reader.Text()); break;
                case 3 when manifest == "nb.answered.1": TakeResult(ref reader); break;
                case 3: Number3 = reader.Number; break;
                case 4 when isSubmit: Text4 = reader.Text(); break;
                case 4 when manifest == "nb.answered.1": TakeError(ref reader); break;
                case 4: Number4 = reader.Number; break;
                case 5 when isSubmit: Text5 = reader.Text(); break;
            }
        }

        private void TakeResult(ref FieldReader reader)
        {
            if (ResultCodec.Read(ref reader) is { } result) Results.Add(result);
        }

        private void TakeError(ref FieldReader reader) =>
            Error = (ResultCodec.Read(ref reader) as OperationResult.Failed)?.Error;
    }
}
