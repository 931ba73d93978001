using System.Numerics;
using FlowCore;
using FlowRows.Scoring;

namespace FlowRows.Tables;

/// <summary>Some successive rows of a body: their values, their context, and the columns that are passed on.</summary>
internal sealed class RowBlock<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly RowLayout? layout;

    /// <param name="columns">The columns that are read.</param>
    /// <param name="first">The rows of the body that came before these.</param>
    /// <param name="source">What is read, and how much of it.</param>
    public RowBlock(RowColumns columns, long first, RowSource source)
    {
        (First, layout) = (first, source.Layout);
        Errors = source.OnError == OnError.Fail ? null : new(firstAlone: source.OnError == OnError.Skip);
        if (columns.Values.Length > 0)
            Values = new(source.Layout.Field, source.Limits, source.Pool) { First = first, Errors = Errors, MayLack = source.MayLack };
        if (columns.Context.Length > 0)
            Context = new(RowNames.Context, source.Limits, source.Pool) { First = first, Errors = Errors };
    }

    /// <param name="values">Rows of x or z that have been read.</param>
    /// <param name="context">Their context.</param>
    /// <param name="errors">Why some of them could not be read.</param>
    public RowBlock(RowTable<T> values, RowTable<T>? context, RowErrors? errors) => (Values, Context, Errors) = (values, context, errors);

    /// <summary>The rows of x or z; null where only contexts are read.</summary>
    public RowTable<T>? Values { get; }

    /// <summary>The context; null where the body brings none.</summary>
    public RowTable<T>? Context { get; private set; }

    /// <summary>The columns that go into the answer as they are: one entry for each row.</summary>
    public KeptColumns? Kept { get; set; }

    /// <summary>Why some rows could not be read; null where the first such row is refused.</summary>
    public RowErrors? Errors { get; }

    /// <summary>Why rows could not be read in whose place zeros stand; null where there is none such.</summary>
    public RowErrors? Blanks => Numbers is null ? Errors : null;

    /// <summary>The number of each row in the body, where some were left out.</summary>
    public long[]? Numbers { get; private set; }

    /// <summary>What the rows lack, where that is no reason to refuse them.</summary>
    public MissingValues<T>? Missing { get; private set; }

    /// <summary>Puts beside the rows what they bring by themselves, where no context was given.</summary>
    public void DeriveContext(FlowSpec spec, string field)
    {
        if (Context is not null || Values is null || DerivedContext.Of(spec, field) is not { } sampling)
            return;
        RowTable<T> means = Values.Beside(RowNames.Context);
        sampling.Means<T>(Values.Values.Span, means.Reserve(Values.Rows * spec.ContextWidth));
        means.AdvanceRows(Values.Rows, spec.ContextWidth);
        Context = means;
    }

    /// <summary>Finds what the rows lack, and puts something in its place.</summary>
    public void FindMissing(ScoreRequest? request)
    {
        if (request is { Marginalizes: true })
            Missing = MissingValues<T>.Of(Values!.Values.Span, Values.Width, request.Calibration.Donors);
    }

    /// <summary>The rows of the body that came before these.</summary>
    public long First { get; }

    /// <summary>The rows that are here.</summary>
    public int Rows => (Values ?? Context)?.Rows ?? 0;

    /// <summary>The rows of the body that the block stands for, those left out among them.</summary>
    public int Taken { get; private set; }

    /// <summary>All rows are in: leaves out those that could not be read, or puts zeros in their place.</summary>
    public void Sift(OnError onError)
    {
        Taken = Rows;
        JoinCategories();
        if (Errors is null)
            return;
        if (Context is not null && layout?.Context is { } context)
            ContextRows<T>.SiftClasses(Context, context, layout.Model);
        if (onError == OnError.Null)
        {
            foreach (int row in Errors.Rows)
            {
                Values?.Values.Span.Slice(row * Values.Width, Values.Width).Clear();
                if (HasContextOfRows)
                    Context!.Values.Span.Slice(row * Context.Width, Context.Width).Clear();
            }
            return;
        }
        var stays = new bool[Rows];
        var numbers = new List<long>(Rows);
        for (int row = 0; row < stays.Length; row++)
            if (stays[row] = Errors.Of(row) is null)
                numbers.Add(First + row);
        Numbers = [.. numbers];
        if (Errors.Count == 0)
            return;
        Values?.Keep(stays);
        if (HasContextOfRows)
            Context!.Keep(stays);
        Kept?.Keep(stays);
    }

    private void JoinCategories()
    {
        if (Context is not { Categories.Learns: false } codes)
            return;
        Context = codes.Classes();
        codes.Dispose();
    }

    // A context that is one for all rows stays whatever goes.
    private bool HasContextOfRows => Context?.Rows == Taken;

    public void Dispose()
    {
        Values?.Dispose();
        Context?.Dispose();
        Kept?.Dispose();
    }
}
