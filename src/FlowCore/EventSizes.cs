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

    /// <summary>The flow's description for images as they are sent: its own, or small ones that it enlarges.</summary>
    /// <exception cref="SpecException">It does not take them; the message names the nearest sizes that it takes.</exception>
    public FlowSpec For((int Height, int Width) images, bool areContexts)
    {
        if (!areContexts || spec.Context?.BlockMeans is not { } side)
            return At(images.Height, images.Width);
        int height = (int)Math.Min(int.MaxValue, (long)images.Height * side), width = (int)Math.Min(int.MaxValue, (long)images.Width * side);
        try
        {
            return At(height, width);
        }
        catch (SpecException e)
        {
            throw new SpecException($"images of {images.Height} x {images.Width} would be enlarged to {height} x {width}, and {e.Message}");
        }
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
