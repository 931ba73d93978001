using FlowCore.Densities;

namespace FlowCore;

/// <summary>
/// The sizes of images that a flow takes beside the one that it was made for: those at which its description needs the same tensors. So
/// it is where all of it is convolutional, for sides that its squeezes divide.
/// </summary>
public sealed class EventSizes
{
    /// <summary>How many times the pixels of the flow's own images the largest ones may have.</summary>
    public const int MostTimes = 16;

    private const int LargestMultiple = 64;

    private readonly FlowSpec spec;

    private EventSizes(FlowSpec spec, int[] multiples) => (this.spec, MultipleOf) = (spec, multiples);

    /// <summary>Height and width must be multiples of these.</summary>
    public int[] MultipleOf { get; }

    /// <summary>The most pixels.</summary>
    public int MostPixels => MostTimes * spec.EventShape[1] * spec.EventShape[2];

    /// <summary>Null of flows that take one size alone.</summary>
    public static EventSizes? Of(FlowSpec spec)
    {
        if (spec.EventShape is not [_, var height, var width] || Resized(spec, 2 * height, 2 * width) is null)
            return null;
        int lines = Least(side => Resized(spec, side, width)), columns = Least(side => Resized(spec, height, side));
        return lines > 0 && columns > 0 ? new(spec, [lines, columns]) : null;

        static int Least(Func<int, FlowSpec?> at) => Enumerable.Range(1, LargestMultiple).FirstOrDefault(side => at(side) is not null);
    }

    /// <summary>The description by which a request is answered, of a flow that takes other sizes or does not: the one rule for every way in.</summary>
    /// <param name="spec">The flow's own description.</param>
    /// <param name="sizes">Its sizes; null where it takes one alone.</param>
    /// <param name="shown">What the shape of the rows shows; null where they are flat.</param>
    /// <param name="asked">Height and width of the flow's images, where the request says them.</param>
    /// <exception cref="SpecException">It does not take them; the message names the nearest sizes that it takes.</exception>
    public static FlowSpec Requested(FlowSpec spec, EventSizes? sizes, ShownImages? shown, (int Height, int Width)? asked)
    {
        try
        {
            FlowSpec? bySize = asked is { } size ? Asked(spec, sizes, size) : null, byRows = shown is { } images ? sizes?.For(images) : null;
            if (bySize is not null && byRows is not null && !bySize.EventShape.AsSpan().SequenceEqual(byRows.EventShape))
                throw new SpecException($"size says {Text(bySize)}, and by their shape the rows are for {Text(byRows)}");
            return bySize ?? byRows ?? spec;
        }
        catch (SpecException e)
        {
            throw new SpecException($"model '{spec.Name}': {e.Message}");
        }
    }

    private static FlowSpec Asked(FlowSpec spec, EventSizes? sizes, (int Height, int Width) size) => spec.EventShape is not [_, var height, var width]
        ? throw new SpecException("its rows are not images, and have no size")
        : sizes?.At(size.Height, size.Width)
            ?? (size == (height, width) ? spec : throw new SpecException($"images of {size.Height} x {size.Width} (height x width) are not taken; it takes {height} x {width} alone"));

    private static string Text(FlowSpec spec) => $"images of {spec.EventShape[1]} x {spec.EventShape[2]}";

    /// <summary>The flow's description for images as they are sent: its own, or what it is conditioned on. Null where they are neither.</summary>
    /// <exception cref="SpecException">It does not take them; the message names the nearest sizes that it takes.</exception>
    public FlowSpec? For(ShownImages images)
    {
        if ((images.AreContexts ? spec.Context?.Shape : spec.EventShape) is not [var channels, var lines, var columns] || (images.Channels ?? channels) != channels)
            return null;
        if (!images.AreContexts)
            return At(images.Height, images.Width);
        int height = Large(images.Height, lines, spec.EventShape[1]), width = Large(images.Width, columns, spec.EventShape[2]);
        try
        {
            return At(height, width);
        }
        catch (SpecException e)
        {
            throw new SpecException(
                $"images of {images.Height} x {images.Width} {(spec.Context!.BlockMeans is null ? "belong" : "would be enlarged")} to {height} x {width}, and {e.Message}");
        }

        static int Large(int side, int small, int large) => (int)Math.Min(int.MaxValue, (long)side * large / small);
    }

    /// <summary>The flow's description for images of another size.</summary>
    /// <exception cref="SpecException">It does not take them; the message names the nearest sizes that it takes.</exception>
    public FlowSpec At(int height, int width)
    {
        if ((long)height * width <= MostPixels && Resized(spec, height, width) is { } resized)
            return resized;
        int[] nearest = Nearest(height, width);
        throw new SpecException(
            $"images of {height} x {width} (height x width) are not taken; sides are multiples of {MultipleOf[0]} and {MultipleOf[1]}, with at most {MostPixels} pixels: "
            + $"the nearest size is {nearest[0]} x {nearest[1]}");
    }

    private int[] Nearest(int height, int width)
    {
        double shrink = Math.Min(1, Math.Sqrt(MostPixels / ((double)Math.Max(1, height) * Math.Max(1, width))));
        int[] sides = [Side(height, MultipleOf[0]), Side(width, MultipleOf[1])];
        for (int longer = sides[0] > sides[1] ? 0 : 1; (long)sides[0] * sides[1] > MostPixels && sides[longer] > MultipleOf[longer];)
            sides[longer] -= MultipleOf[longer];
        return sides;

        int Side(int asked, int multiple) => Math.Max(1, (int)Math.Round(asked * shrink / multiple)) * multiple;
    }

    // The same flow over images of another size; null where it would be another flow.
    private static FlowSpec? Resized(FlowSpec spec, int height, int width)
    {
        int[] own = spec.EventShape;
        if (height < 1 || width < 1)
            return null;
        ContextSpec? context = spec.Context;
        if (context?.Shape is { } shape)
        {
            if (Part(shape[1], height, own[1]) is not { } lines || Part(shape[2], width, own[2]) is not { } columns)
                return null;
            context = context with { Shape = [shape[0], lines, columns] };
        }
        if (Resized(spec.Base, height * width, own[1] * own[2]) is not { } density)
            return null;
        FlowSpec resized = spec with { EventShape = [own[0], height, width], Context = context, Base = density };
        try
        {
            return FlowSpecChecks.Check(resized).IsSameAs(FlowSpecChecks.Check(spec)) ? resized : null;
        }
        catch (SpecException)
        {
            return null;
        }
    }

    private static BaseDensitySpec? Resized(BaseDensitySpec density, int pixels, int own)
    {
        if (density is not LevelsSpec levels)
            return density;
        var parts = new Level[levels.Levels.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (Part(levels.Levels[i].Width, pixels, own) is not { } values || Resized(levels.Levels[i].Base, pixels, own) is not { } part)
                return null;
            parts[i] = new Level { Width = values, Base = part };
        }
        return new LevelsSpec { Levels = parts };
    }

    // value * now / before, where that is a whole number.
    private static int? Part(int value, int now, int before) =>
        (long)value * now % before == 0 && (long)value * now / before is > 0 and <= int.MaxValue and var part ? (int)part : null;
}

/// <summary>The size that images have by the shape of the rows that they came as.</summary>
/// <param name="Channels">Their channels; null where the format does not say so.</param>
/// <param name="Height">Their height.</param>
/// <param name="Width">Their width.</param>
/// <param name="AreContexts">Whether they are what the flow is conditioned on.</param>
public readonly record struct ShownImages(int? Channels, int Height, int Width, bool AreContexts = false);
