using FlowCore;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Errors;

namespace FlowService.Requests;

/// <summary>How the images of a NumPy array lie.</summary>
internal enum ImageLayout
{
    /// <summary>Channels, height, width: as models take them.</summary>
    Nchw,

    /// <summary>Height, width, channels: as most programs that read pictures give them.</summary>
    Nhwc,
}

/// <summary>A request as it was sent, whatever its media type; what was left out is null. It owns the buffers of its rows.</summary>
internal sealed class RowRequest : IDisposable
{
    /// <summary>The format of the body's rows; null where the body is JSON, or there is none.</summary>
    public RowFormat? Body { get; init; }

    /// <summary>The body where it is a form, whose parts are rows and their contexts.</summary>
    public FormBody? Form { get; set; }

    /// <summary>Why its rows were not read, where they were not.</summary>
    public RequestException? Refusal { get; set; }

    public string? Model { get; set; }

    public int? Version { get; set; }

    public RowTable<float>? Rows { get; set; }

    public RowTable<float>? Context { get; set; }

    /// <summary>One row [low, high]: the values shown as black and as full brightness.</summary>
    public RowTable<float>? Range { get; set; }

    /// <summary>One row [height, width], as it was sent.</summary>
    public RowTable<float>? Size { get; set; }

    /// <summary>Height and width of the model's images, where the request says them.</summary>
    /// <exception cref="RequestException">What it says is no size.</exception>
    public (int Height, int Width)? ImageSize => Size switch
    {
        null => null,
        { Values.Span: [var height, var width] } when IsSide(height) && IsSide(width) => ((int)height, (int)width),
        _ => throw new RequestException(ProblemKind.InvalidArgument, "size must be [height, width], two integers above 0") { Field = RequestFields.Size.Name },
    };

    public int? Steps { get; set; }

    public List<string>? Include { get; set; }

    /// <summary>What is wanted of the rows' scores.</summary>
    public ScoreArguments Scores { get; set; } = new();

    /// <summary>The columns of the body that go into the answer as they are; <c>*</c> stands for all.</summary>
    public List<string>? Keep { get; set; }

    /// <summary>Whether columns go into the answer only where the body names its columns.</summary>
    public bool KeepsIfNamed { get; private set; }

    /// <summary>Whether columns of the body that the model does not know are passed over.</summary>
    public bool IgnoreExtra { get; set; }

    public ImageLayout Layout { get; set; }

    /// <summary>What happens to a row that cannot be read.</summary>
    public OnError OnError => AskedOnError ?? UsualOnError;

    /// <summary>The same, where the request says it.</summary>
    public OnError? AskedOnError { get; set; }

    /// <summary>The same, where it does not.</summary>
    public OnError UsualOnError { get; set; }

    /// <summary>Why rows of a JSON body could not be read, where that is no reason to refuse all.</summary>
    public RowErrors? Errors { get; set; }

    /// <summary>The element type of a binary answer.</summary>
    public ElementType? Dtype { get; set; }

    public long? Count { get; set; }

    public long? Offset { get; set; }

    public Priority Priority { get; set; }

    public ulong? Seed { get; set; }

    public double? Temperature { get; set; }

    public int? TimeoutMs { get; set; }

    /// <summary>Puts what a request to score rows means where it left something out.</summary>
    public void FillScore()
    {
        KeepsIfNamed = Keep is null;
        Keep ??= ["*"];
        (HashSet<string> include, Scores) = ScoreDefaults.Of(Include, Scores);
        Include = [.. include];
    }

    /// <summary>The rows of x or z of a JSON body, for a model, with what is known of them.</summary>
    public RowBlock<float> BlockOf(RequestField field, FlowSpec spec, string model)
    {
        RowTable<float> rows = Rows ?? throw Missing(field, "rows of numbers, [[...], ...]");
        if (rows.Rows == 0)
            throw RowFault.NoRows(field.Name, field.Name);
        if (rows.Named is { } named)
        {
            var layout = new ModelLayout(model, spec, field.Name, Context is not null, ignoresOthers: IgnoreExtra);
            (Rows, RowTable<float>? context) = named.Arrange(rows, layout);
            Context ??= context;
            rows.Dispose();
            rows = Rows;
        }
        rows.CheckWidth(spec.Width, model);
        ContextRows<float>.Sift(Context, Errors, rows.Rows, spec.Context, model);
        var block = new RowBlock<float>(rows, Context, Errors);
        (Rows, Context) = (null, null); // the block's, from now on
        try
        {
            block.Sift(OnError);
            return block.Rows > 0 ? block : throw RowFault.NoneReadable(field.Name, Errors!.First);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    // Integers of more digits than a float has are no sides of pictures.
    private static bool IsSide(float value) => value is >= 1 and <= 1 << 24 && float.IsInteger(value);

    /// <summary>The refusal of a request that lacks a field.</summary>
    public static RequestException Missing(RequestField field, string what) =>
        new(ProblemKind.MissingField, $"{field} is missing: {what}") { Field = field.Name };

    public void Dispose()
    {
        Rows?.Dispose();
        Context?.Dispose();
        Range?.Dispose();
        Size?.Dispose();
    }
}
