using FlowCore.Checkpoints;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;

namespace FlowCore;

/// <summary>
/// The one check of a description, in front of both engines and by arithmetic alone: each record refuses, by field, what cannot be
/// at its place, and states the tensors that it needs. Whatever comes behind it checks nothing again.
/// </summary>
internal static class FlowSpecChecks
{
    private const int MostFeatures = 1 << 20, MostClasses = 1 << 14;

    /// <returns>The tensors that the flow needs.</returns>
    /// <exception cref="SpecException">The message names the field.</exception>
    public static NeededTensors Check(FlowSpec spec)
    {
        var needed = new NeededTensors();
        var at = new SpecScope("", needed);
        if (spec.FormatVersion != FlowSpec.CurrentFormat)
            throw at.Refusal("format_version", $"is {spec.FormatVersion}, this build reads {FlowSpec.CurrentFormat}");
        at.Given(spec.Name, "name");
        int[] sizes = at.Given(spec.EventShape, "event_shape");
        if (sizes.Length is not (1 or 2 or 3) || sizes.Any(size => size is < 1 or > MostFeatures) || sizes.Aggregate(1L, (product, size) => product * size) > MostFeatures)
            throw at.Refusal("event_shape", $"must be [D] or [C, H, W], or [channels, frames] of a sound, with at most {MostFeatures} values, is [{string.Join(", ", sizes)}]");
        CheckNames(spec.Features, at, "features", spec.Width);
        CheckNames(spec.Ignored, at, "ignored", spec.Ignored?.Length ?? 0);
        if (spec.Ignored?.FirstOrDefault(name => spec.Features?.Contains(name) != false) is { } both)
            throw at.Refusal("ignored", spec.Features is null ? "names columns, and the features have no names" : $"'{both}' is one of the features");

        if (spec.Training?.Columns is { } columns && (columns.Length != spec.Width || columns.Contains(null!)))
            throw at.Refusal("training.columns", $"needs a description of each of {spec.Width} values");

        LayerPlace context = spec.Context is null ? new(0, 0) : Check(spec.Context, at);
        // With an embedding in front, what arrives is not the class as one-hot.
        int classes = spec.Context is { Classes: { } count, Embedding: null or [] } ? count : 0;
        BijectionSpec.Check(spec.Bijections, at, "bijections", new EventShape(EventShape.Of(sizes), context.Width));
        at.Given(spec.Base, "base").Check(at.In("base", "base_density"), new LatentPlace(spec.Width, context.Width, classes));
        return needed;
    }

    /// <summary>Looks at weights that are the ones that the description needs.</summary>
    /// <exception cref="FlowException">Under them a bijection would be none; the message names it.</exception>
    public static void CheckWeights(FlowSpec spec, IReadOnlyDictionary<string, WeightTensor> weights)
    {
        LayerPlace context = new(spec.Context?.EncodedWidth ?? 0, 0);
        foreach (LayerSpec layer in spec.Context?.Embedding ?? [])
            context = layer.After(context);
        BijectionSpec.CheckWeights(spec.Bijections, new SpecScope("", new()), "bijections", new EventShape(EventShape.Of(spec.EventShape), context.Width), new WeightScope(weights));
    }

    private static LayerPlace Check(ContextSpec context, SpecScope at)
    {
        if (context.Size is null == context.Classes is null)
            throw at.Refusal("context", "give either size or classes");
        int most = context.Classes is null ? MostFeatures : MostClasses;
        if (context.EncodedWidth < 1 || context.EncodedWidth > most)
            throw at.Refusal("context", $"a size of {context.EncodedWidth} is outside 1..{most}");
        CheckNames(context.Features, at, "context.features", context.Width);
        if (context.Categories is { } categories)
            Check(categories, context, at);
        var place = new LayerPlace(context.EncodedWidth, 0);
        return context.Embedding is null ? place : LayerSpec.Check(context.Embedding, at, "context.embedding", "embedding", place);
    }

    private static void Check(CategorySpec categories, ContextSpec context, SpecScope at)
    {
        const string field = "context.categories";
        if (context.Features is not null)
            throw at.Refusal("context.features", "the columns are named by the categories");
        string[] columns = at.Given(categories.Columns, $"{field}.columns");
        string[][] values = at.Given(categories.Values, $"{field}.values");
        long[] rows = at.Given(categories.Rows, $"{field}.rows");
        CheckNames(columns, at, $"{field}.columns", columns.Length);
        if (columns.Length == 0)
            throw at.Refusal($"{field}.columns", "names no column");
        if (values.Length != context.Classes || rows.Length != context.Classes)
            throw at.Refusal(field, $"has {values.Length} values and {rows.Length} numbers of rows for {context.Classes ?? 0} classes");
        if (Array.FindIndex(values, each => each is null || each.Length != columns.Length || each.Contains(null!)) is >= 0 and var odd)
            throw at.Refusal($"{field}.values[{odd}]", $"needs a category for each of {columns.Length} columns");
        if (Array.FindIndex(rows, count => count < 1) is >= 0 and var none)
            throw at.Refusal($"{field}.rows[{none}]", $"is {rows[none]}; each class has a row at least");
        if (values.Select(each => string.Join('\0', each)).Distinct(StringComparer.Ordinal).Count() < values.Length)
            throw at.Refusal($"{field}.values", "two classes have the same categories");
    }

    private static void CheckNames(string[]? names, SpecScope at, string field, int values)
    {
        if (names is null)
            return;
        if (names.Length != values)
            throw at.Refusal(field, $"has {names.Length} names for {values} values");
        for (int i = 0; i < names.Length; i++)
            at.Given(names[i], $"{field}[{i}]");
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw at.Refusal(field, $"'{twice.Key}' is named twice");
    }
}
