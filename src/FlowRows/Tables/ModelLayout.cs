using FlowCore;
using FlowRows.Pictures;

namespace FlowRows.Tables;

/// <summary>
/// What rows must bring for one operation of one model: the values of each row, its context unless that is given already, and
/// what is only to be passed on.
/// </summary>
internal sealed class ModelLayout : RowLayout
{
    private const string Every = "*";

    private const string Ignoring = "Columns that the model does not know are passed over by ignore_extra=true (--ignore-extra)";

    private readonly bool isNamed, mayDerive;
    private readonly PixelRange pixels;
    private readonly IReadOnlyList<string> keep;
    private readonly bool ignoresOthers;
    private readonly int[] shape;
    private readonly string[] values, context, wanted, ignored;

    /// <param name="model">The model's name, for messages.</param>
    /// <param name="spec">What the model is.</param>
    /// <param name="field">What the values are: x or z. Context alone where the operation takes no values.</param>
    /// <param name="hasContext">Whether the context is given already, beside these rows.</param>
    /// <param name="keep">The columns to pass on; <c>*</c> for all.</param>
    /// <param name="ignoresOthers">Whether columns that the model does not know are passed over.</param>
    public ModelLayout(string model, FlowSpec spec, string field, bool hasContext, IReadOnlyList<string>? keep = null, bool ignoresOthers = false)
    {
        (Model, Field, this.keep, this.ignoresOthers) = (model, field, keep ?? [], ignoresOthers);
        values = field switch
        {
            RowNames.X => RowNames.Data(spec),
            RowNames.Z => RowNames.Latents(spec),
            _ => [],
        };
        ContextSpec? condition = Context = hasContext ? null : spec.Context;
        context = condition is null ? [] : RowNames.Contexts(condition);
        wanted = [.. values, .. context];
        ignored = spec.Ignored ?? [];
        shape = field switch
        {
            RowNames.X or RowNames.Z => spec.EventShape,
            _ => condition?.Shape ?? [context.Length],
        };
        pixels = PixelRange.Of(spec);
        mayDerive = condition is not null && DerivedContext.Of(spec, field) is not null;
        Categories = condition?.Categories is { } known ? new(known) : null;
        isNamed = (field != RowNames.X || spec.Features is not null) && (condition is null || condition.Features is not null || Categories is not null);
    }

    public override string Model { get; }

    /// <summary>Whether the columns to pass on are those of rows that name their columns, and others bring none; what an answer added before does not pass through.</summary>
    public bool KeepsIfNamed { get; init; }

    public override string Field { get; }

    public override ContextSpec? Context { get; }

    public override CategoryCodes? Categories { get; }

    public override PictureShape? Picture => ArePixels && shape is [1 or 3, var height, var width] ? new(shape[0], height, width, pixels) : null;

    public override int[]? FromChannelsLast => ArePixels && shape is [var channels, var height, var width] ? Order(channels, height, width) : null;

    public override bool AreWanted(IReadOnlyList<string> names) => wanted.All(new HashSet<string>(names, StringComparer.Ordinal).Contains);

    public override string[]? Elements(string column) =>
        column == RowNames.Context && context.Length > 0 ? Categories is null ? context : [RowNames.Context]
        : (column == Field || (column == RowNames.Samples && Field == RowNames.X)) && values.Length > 0 ? values // samples come back as rows
        : null;

    public override RowColumns Shaped(ReadOnlySpan<long> row, bool channelsLast)
    {
        int both = values.Length + context.Length;
        if (keep.Count > 0 && !KeepsIfNamed)
            throw NoNames();
        if (channelsLast)
        {
            bool alone = context.Length == 0 || mayDerive;
            if (!ArePixels || shape is not [var c, var h, var w] || !alone || !row.SequenceEqual([h, w, c]))
                throw Refused(RowFaultKind.WrongWidth, $"{Field}: rows of shape {Shown(row)} are not images of model '{Model}' with their channels last: "
                    + (ArePixels && shape is [var channels, var height, var width] && alone ? $"it takes {Shown([height, width, channels])}" : "it takes none"), Field);
            return ByPosition(mayDerive ? values.Length : both);
        }
        if (row.Length == 0 ? both == 1 : row.Length == 1 ? row[0] == both : (context.Length == 0 || values.Length == 0) && IsEvent(row))
            return ByPosition(both);
        if (mayDerive && IsEvent(row))
            return ByPosition(values.Length);
        if (row.Length <= 1)
            return ByPosition(row.Length == 0 ? 1 : (int)Math.Min(row[0], int.MaxValue)); // refuses it in the words for tables
        string remedy = ArePixels && context.Length == 0 && shape is [var channel, var high, var wide] && row.SequenceEqual([high, wide, channel])
            ? "; layout=nhwc (--layout nhwc) reads images whose channels come last" : "";
        throw Refused(RowFaultKind.WrongWidth, $"{Field}: the array's rows have the shape {Shown(row)}, model '{Model}' takes {Taken()}{remedy}", Field);
    }

    protected override RowColumns ByName(NamedColumns columns)
    {
        int[] kept = Kept(columns);
        if (!ignoresOthers && columns.Names.FirstOrDefault(columns.Twice.Contains) is { Length: > 0 } twice)
            columns.At(twice); // neither can be meant
        if (!isNamed && ByPositionUnderOtherNames(columns, kept) is { } positions)
            return positions;
        // A context that the images make themselves may be left out, whole.
        string[] beside = mayDerive && !Array.Exists(context, columns.Has) ? [] : context;
        if (values.Concat(beside).FirstOrDefault(name => !columns.Has(name)) is { } missing)
            throw Refused(RowFaultKind.MissingColumn, $"column '{missing.Shown()}' is missing; model '{Model}' takes {wanted.Listed()}", missing);
        if (!ignoresOthers)
            CheckOthers(columns, kept);
        return new([.. values.Select(columns.At)], [.. beside.Select(columns.At)], kept);
    }

    protected override RowColumns ByPosition(int count)
    {
        if (keep.Count > 0 && !KeepsIfNamed)
            throw NoNames();
        if (Categories is not null && count == values.Length + 1)
            return new([.. Enumerable.Range(0, values.Length)], [values.Length], []); // with the number of the class
        if (mayDerive && count == values.Length)
            return new([.. Enumerable.Range(0, count)], [], []); // the context is made of them
        if (count != wanted.Length)
            throw Refused(RowFaultKind.WrongWidth, $"{Field}: the rows have {count} values, model '{Model}' takes {Count()}", Field);
        return new([.. Enumerable.Range(0, values.Length)], [.. Enumerable.Range(values.Length, context.Length)], []);
    }

    // A model that knows no names takes columns of any names in their order, as long as none is a name that it would take, whatever its case.
    private RowColumns? ByPositionUnderOtherNames(NamedColumns columns, int[] kept)
    {
        var wantedInAnyCase = new HashSet<string>(wanted, StringComparer.OrdinalIgnoreCase);
        if (columns.Names.Any(wantedInAnyCase.Contains))
            return null;
        int[] others = [.. Enumerable.Range(0, columns.Names.Count).Except(kept).Where(i => !RowNames.IsOfAnswers(columns.Names[i]))];
        if (mayDerive && others.Length == values.Length)
            return new(others, [], kept);
        return others.Length == wanted.Length ? new(others[..values.Length], others[values.Length..], kept) : null;
    }

    private void CheckOthers(NamedColumns columns, int[] kept)
    {
        var known = new HashSet<string>(wanted, StringComparer.Ordinal);
        known.UnionWith(ignored);
        known.UnionWith(kept.Select(i => columns.Names[i]));
        foreach (string name in columns.Names)
            if (!known.Contains(name) && !RowNames.IsOfAnswers(name))
                throw Refused(RowFaultKind.UnknownColumn, name.Length == 0
                    ? $"a column has no name, as an index often has none; model '{Model}' takes {wanted.Listed()}. {Ignoring}"
                    : $"column '{name.Shown()}' is unknown; model '{Model}' takes {wanted.Listed()}. keep={name.Shown()} in the query passes it on, "
                        + $"keep=* every column (on the command line --keep). {Ignoring}", name);
    }

    private int[] Kept(NamedColumns columns)
    {
        if (keep.Count == 0)
            return [];
        if (keep.Contains(Every))
            return [.. columns.Names.Where(name => !KeepsIfNamed || !RowNames.IsOfAnswers(name) || wanted.Contains(name)).Select(columns.At)];
        foreach (string name in keep)
            if (!columns.Has(name))
                throw Refused(RowFaultKind.MissingColumn, $"keep: there is no column '{name.Shown()}' in the body", name);
        return [.. keep.Select(columns.At).Distinct().Order()];
    }

    // A single channel may be left out: the values are the same ones in the same order.
    private bool IsEvent(ReadOnlySpan<long> row) =>
        row.SequenceEqual(Array.ConvertAll(shape, size => (long)size))
        || (shape is [1, var height, var width] && row.SequenceEqual([height, width]));

    // A latent may have the shape of an event, and is no picture.
    private bool ArePixels => Field != RowNames.Z;

    private string Taken() => shape.Length == 1 || (context.Length > 0 && values.Length > 0 && !mayDerive)
        ? $"(rows, {wanted.Length})"
        : $"(rows, {string.Join(", ", shape)}) or (rows, {(values.Length > 0 ? values : context).Length})" + (mayDerive ? $", and (rows, {wanted.Length}) with the small image behind" : "");

    private string Count() => $"{values.Length}" + (mayDerive ? $", or {wanted.Length} with the small image behind them" : context.Length > 0 ? $" and then {context.Length} of context" : " in each");

    private static RowFault NoNames() =>
        Refused(RowFaultKind.InvalidArgument, "keep names columns, and the body's columns have no names", "keep");

    private static string Shown(ReadOnlySpan<long> row) => $"({string.Join(", ", row.ToArray())})";

    private static int[] Order(int channels, int height, int width)
    {
        var order = new int[channels * height * width];
        int next = 0;
        for (int channel = 0; channel < channels; channel++)
            for (int pixel = 0; pixel < height * width; pixel++)
                order[next++] = pixel * channels + channel;
        return order;
    }
}
