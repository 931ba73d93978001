using System.Text.Json;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Batching;

namespace FlowService.Requests;

/// <summary>The fields that requests are made of, in whatever media type they come, and those of each operation.</summary>
internal static class RequestFields
{
    public static readonly RequestField
        Model = new("model", FieldKind.Text, "The model's name; may be left out where one model is loaded.",
            (ref r, field, request) => request.Model = JsonArgument.Text(ref r, field)),
        Version = new("version", FieldKind.Integer, "The model's version; the highest one serves by default.",
            (ref r, field, request) => request.Version = JsonArgument.Integer(ref r, field)),
        X = new(RowNames.X, FieldKind.Rows, "The rows: lists of as many numbers as the model has features, or objects with a number under each feature's name."),
        Z = new(RowNames.Z, FieldKind.Rows, "The latents: lists of as many numbers as the model has features."),
        Count = new("count", FieldKind.Integer, "The number of rows to draw; with context, for each context row.",
            (ref r, field, request) => request.Count = JsonArgument.Long(ref r, field, "an integer"))
        { Format = "int64" },
        Steps = new("steps", FieldKind.Integer, "The number of rows of the answer, 2 to 1000: both ends are among them.",
            (ref r, field, request) => request.Steps = JsonArgument.Integer(ref r, field)),
        Offset = new("offset", FieldKind.Integer,
            "The first row of the seed's stream (default 0): count 1000 and offset 5000 are rows 5000 to 5999 of it.",
            (ref r, field, request) => request.Offset = JsonArgument.Long(ref r, field, $"an integer in 0..{SampleArguments.LargestOffset}"))
        { Format = "int64" },
        Seed = new("seed", FieldKind.Integer, "The same seed gives the same rows; left out, one is drawn and returned.",
            (ref r, field, request) => request.Seed = JsonArgument.Seed(ref r, field))
        { Format = "uint64" },
        Temperature = new("temperature", FieldKind.Number,
            "Scales the noise: below 1 closer to the mode, above 1 further out (default 1).",
            (ref r, field, request) => request.Temperature = JsonArgument.Number(ref r, field)),
        Context = new(RowNames.Context, FieldKind.Values,
            "For a conditional model: one row of context for each row, or a single one for all. A class is one integer."),
        Size = new(RowNames.Size, FieldKind.Values,
            "For models that take several sizes of images: height and width of the model's images, [height, width], where flat rows do not show "
            + "them. GET /models/NAME says which are taken.")
        { IsOneRow = true },
        Include = new("include", FieldKind.Names, "What to add to the answer."),
        Range = new("range", FieldKind.Values,
            "For pictures: the values shown as black and as full brightness; by default what the model says of its data, else 0 and 1.")
        { IsOneRow = true },
        TimeoutMs = new("timeout_ms", FieldKind.Integer, "Give up after this many milliseconds, with 504; in a stream, this holds for each part.",
            (ref r, field, request) => request.TimeoutMs = JsonArgument.Integer(ref r, field)),
        Priority = new("priority", FieldKind.Word, "interactive (default) or bulk: interactive requests are computed first.",
            (ref r, field, request) => request.Priority = (Priority)JsonArgument.Word(ref r, field))
        { Words = ["interactive", "bulk"] },
        OnError = new("on_error", FieldKind.Word,
            "What happens to a row that cannot be read: fail (default, but for /score) refuses the request, skip leaves the row out and adds a column row, "
            + "null (default of /score) answers nulls and the reason in a column error.",
            (ref r, field, request) => request.AskedOnError = (OnError)JsonArgument.Word(ref r, field))
        { Words = ["fail", "skip", "null"] },
        Dtype = new("dtype", FieldKind.Word, "The numbers of a NumPy or Arrow answer: float32 (default) or float64.",
            (ref r, field, request) => request.Dtype = (ElementType)JsonArgument.Word(ref r, field))
        { Words = ["float32", "float64"] },
        Alpha = new("alpha", FieldKind.Number,
            "Call a row an anomaly where its p-value is at most this, above 0 and below 1: about this share of ordinary rows is called so, too. Adds anomaly, true or false. Default of /score: 0.01.",
            (ref r, field, request) => request.Scores = request.Scores with { Alpha = JsonArgument.Number(ref r, field) }),
        Score = new("score", FieldKind.Word, "Which score p-values are of: combined, log density and nearness to training rows together (default where the model has them), log_prob (default elsewhere), kernel, that nearness alone, or latent_norm2, the squared length of the latent.",
            (ref r, field, request) => request.Scores = request.Scores with { Score = (ScoreKind)JsonArgument.Word(ref r, field) })
        { Words = ScoreRequest.Names },
        Top = new("top", FieldKind.Integer, "The most features in the attribution of a row, 1 or more (default 3). A model that has fewer names them all.",
            (ref r, field, request) => request.Scores = request.Scores with { Top = JsonArgument.Integer(ref r, field) }),
        Explain = new("explain", FieldKind.Word, "Which rows have an attribution: all (default), or flagged, those that alpha calls anomalies. A row takes features times 16 evaluations of the model.",
            (ref r, field, request) => request.Scores = request.Scores with { Explain = (Explained)JsonArgument.Word(ref r, field) })
        { Words = ["all", "flagged"] },
        Missing = new("missing", FieldKind.Word, "What happens to a row that lacks values (null, an empty cell, NaN): refuse (default), or marginalize, which averages its density over 32 draws of what they may "
            + "have been, and adds n_missing; its p-value is that among reference rows that lack the same. In a JSON body it stands before the rows.",
            (ref r, field, request) => request.Scores = request.Scores with { Missing = (FlowRows.Scoring.Missing)JsonArgument.Word(ref r, field) })
        { Words = ["refuse", "marginalize"] },
        Keep = new("keep", FieldKind.Names, "Columns of a CSV or Arrow body that go into the answer as they are; `*` for all (default of /score).") { IsOfRowBody = true },
        IgnoreExtra = new("ignore_extra", FieldKind.Flag, "Pass over columns of a CSV or Arrow body that the model does not know.",
            (ref r, field, request) => request.IgnoreExtra = JsonArgument.Flag(ref r, field))
        { IsOfRowBody = true },
        Layout = new("layout", FieldKind.Word, "How the images of a NumPy body lie: nchw (default, the model's own) or nhwc, the channels last.",
            (ref r, field, request) => request.Layout = (ImageLayout)JsonArgument.Word(ref r, field))
        { Words = ["nchw", "nhwc"], IsOfRowBody = true };

    /// <summary>All of them, by their bits.</summary>
    public static readonly RequestField[] All =
    [
        Model, Version, X, Z, Count, Steps, Offset, Seed, Temperature, Context, Size, Include, Range, TimeoutMs, Priority, OnError,
        Dtype, Alpha, Score, Top, Explain, Missing, Keep, IgnoreExtra, Layout,
    ];

    private static readonly FieldSet
        Common = new(Model, Version, Context, Size, TimeoutMs, Priority),
        OfRows = new(OnError, Dtype, Keep, IgnoreExtra, Layout);

    public static readonly FieldSet
        Encode = Common | OfRows | new FieldSet(X, Include),
        LogProb = Encode | new FieldSet(Alpha, Score, Top, Explain, Missing),
        OfScore = LogProb,
        Decode = Common | OfRows.Without(Layout) | new FieldSet(Z, Include, Range),
        Sample = Common | new FieldSet(Count, Offset, Seed, Temperature, Include, Range, Dtype),
        Interpolate = Common | new FieldSet(X, Z, Steps, Include, Range),
        Layers = new FieldSet(Model, Version, Context, TimeoutMs, Z);

    /// <summary>Those of an operation's fields that a JSON body has.</summary>
    public static FieldSet OfJsonBody(FieldSet fields) => fields.Without(Keep, IgnoreExtra, Layout);

    /// <summary>Those that the query has.</summary>
    public static FieldSet OfQuery(FieldSet fields) => fields.Without(X, Z);

    /// <summary>The field that a property name of JSON names, or null.</summary>
    public static RequestField? Named(ref Utf8JsonReader reader)
    {
        foreach (RequestField field in All)
            if (field.IsNamed(ref reader))
                return field;
        return null;
    }

    /// <summary>The field of a name, or null.</summary>
    public static RequestField? Named(string name) => Array.Find(All, field => field.Name == name);
}
