namespace FlowCore;

/// <summary>What must hold of a description before anything is allocated for it.</summary>
internal static class FlowSpecChecks
{
    private const int MostFeatures = 1 << 20;
    private const int MostBijections = 4096;

    public static void Check(FlowSpec spec)
    {
        if (spec.FormatVersion != FlowSpec.CurrentFormat)
            throw new SpecException($"format_version: is {spec.FormatVersion}, this build reads {FlowSpec.CurrentFormat}");
        if (spec.EventShape.Length is not (1 or 3) || spec.EventShape.Any(size => size is < 1 or > MostFeatures)
            || spec.EventShape.Aggregate(1L, (product, size) => product * size) > MostFeatures)
            throw new SpecException($"event_shape: must be [D] or [C, H, W] with at most {MostFeatures} values, is [{string.Join(", ", spec.EventShape)}]");
        if (spec.Bijections.Length > MostBijections)
            throw new SpecException($"bijections: {spec.Bijections.Length} are more than {MostBijections}");
        if (spec.Features is { } names)
        {
            if (names.Length != spec.Width)
                throw new SpecException($"features: has {names.Length} names for {spec.Width} values");
            if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new SpecException($"features: '{twice.Key}' is named twice");
        }
        if (spec.Context is { } context)
        {
            if (context.Size is null == context.Classes is null)
                throw new SpecException("context: give either size or classes");
            if (context.EncodedWidth is < 1 or > MostFeatures)
                throw new SpecException($"context: a size of {context.EncodedWidth} is outside 1..{MostFeatures}");
            if (context.Features is { } columns && columns.Length != context.Width)
                throw new SpecException($"context.features: has {columns.Length} names for {context.Width} values");
        }
    }
}
