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
        if (spec.Pixels is { } pixels && !(pixels.Low < pixels.High && double.IsFinite(pixels.High - pixels.Low) && pixels.Step >= 0 && pixels.Step <= pixels.High - pixels.Low))
            throw at.Refusal("pixels", $"low must lie below high, and step be no longer than the way between them: {pixels.Low}, {pixels.High}, {pixels.Step}");
        CheckNames(spec.Features, at, "features", spec.Width);
        CheckNames(spec.Ignored, at, "ignored", spec.Ignored?.Length ?? 0);
        if (spec.Ignored?.FirstOrDefault(name => spec.Features?.Contains(name) != false) is { } both)
            throw at.Refusal("ignored", spec.Features is null ? "names columns, and the features have no names" : $"'{both}' is one of the features");

        if (spec.Training?.Columns is { } columns && (columns.Length != spec.Width || columns.Contains(null!)))
            throw at.Refusal("training.columns", $"needs a description of each of {spec.Width} values");

        LayerPlace context = spec.Context is null ? new(0, 0) : Check(spec.Context, spec, at);
        // With an embedding in front, what arrives is not the class as one-hot.
        int classes = spec.Context is { Classes: { } count, Embedding: null or [] } ? count : 0;
        if (spec.Sound is { } sound)
            CheckSound(sound, spec, at);
        BijectionSpec.Check(spec.Bijections, at, "bijections", EventShape.Of(sizes, context.AsContext));
        at.Given(spec.Base, "base").Check(at.In("base", "base_density"), new LatentPlace(spec.Width, context.AsContext, classes));
        return needed;
    }

    /// <summary>Looks at weights that are the ones that the description needs.</summary>
    /// <exception cref="FlowException">Under them a bijection would be none; the message names it.</exception>
    public static void CheckWeights(FlowSpec spec, IReadOnlyDictionary<string, WeightTensor> weights)
    {
        LayerPlace context = spec.Context?.Place ?? default;
        foreach (LayerSpec layer in spec.Context?.Embedding ?? [])
            context = layer.After(context);
        var (at, scope) = (new SpecScope("", new()), new WeightScope(weights));
        BijectionSpec.CheckWeights(spec.Bijections, at, "bijections", EventShape.Of(spec.EventShape, context.AsContext), scope);
        spec.Base.CheckWeights(at.In("base"), new LatentPlace(spec.Width, context.AsContext, spec.Context?.Classes ?? 0), scope.In("base_density"));
    }

    private static LayerPlace Check(ContextSpec context, FlowSpec spec, SpecScope at)
    {
        if (new[] { context.Size is not null, context.Classes is not null, context.Shape is not null }.Count(given => given) != 1)
            throw at.Refusal("context", "give one of size, shape and classes");
        if (context.Shape is { } shape && (shape.Length is not (2 or 3) || shape.Any(size => size is < 1 or > MostFeatures)))
            throw at.Refusal("context.shape", $"must be [C, H, W], or [channels, frames], is [{string.Join(", ", shape)}]");
        if (context.Shape?.Aggregate(1L, (product, size) => product * size) > MostFeatures)
            throw at.Refusal("context.shape", $"must have at most {MostFeatures} values");
        if (context.BlockMeans is not null)
            CheckMeans(context, spec, at);
        int most = context.Classes is null ? MostFeatures : MostClasses;
        if (context.EncodedWidth < 1 || context.EncodedWidth > most)
            throw at.Refusal("context", $"a size of {context.EncodedWidth} is outside 1..{most}");
        CheckNames(context.Features, at, "context.features", context.Width);
        if (context.Categories is { } categories)
            Check(categories, context, at);
        LayerPlace place = context.Place;
        return context.Embedding is null ? place : LayerSpec.Check(context.Embedding, at, "context.embedding", "embedding", place);
    }

    private static void CheckMeans(ContextSpec context, FlowSpec spec, SpecScope at)
    {
        int side = context.BlockMeans!.Value;
        if (side is not (2 or 4 or 8 or 16))
            throw at.Refusal("context.block_means", $"must be 2, 4, 8 or 16, is {side}");
        if (spec.EventShape is not [var channels, var height, var width] || context.Shape is not { } small
            || !small.SequenceEqual([channels, height / side, width / side]) || height % side != 0 || width % side != 0)
            throw at.Refusal("context.block_means", $"the context's shape is not that of the means of blocks of {side} x {side} of an event [{string.Join(", ", spec.EventShape)}]");
    }

    private static void CheckSound(SoundSpec sound, FlowSpec spec, SpecScope at)
    {
        sound.Check(at.In("sound"));
        if (spec.EventShape is not [1, var samples] || spec.Context?.Shape is not [var mels, var frames] || mels != sound.Mels || samples != frames * sound.Hop)
            throw at.Refusal("sound", $"needs an event_shape [1, frames x {sound.Hop}] and a context.shape [{sound.Mels}, frames]");
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
