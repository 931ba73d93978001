using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Bijections.Elements;

/// <summary>Where the compiled engine finds the parameters of values, given as (channel, pixel).</summary>
internal static class ElementParameters
{
    /// <summary>
    /// Applies an element to values of these indices (in the logical order), channel by channel where the channels have weights of
    /// their own.
    /// </summary>
    public static void Apply(
        FlowCompiler to, ElementSpec element, bool inverse, WeightScope weights, int channels, int[] indices, (int Channel, int Pixel)[] values,
        ParameterPlace[] parameters)
    {
        ICompiledElement[] bound = element.WithWeights(weights, channels);
        if (bound.Length == 1)
        {
            to.Element(bound[0], inverse, indices, parameters);
            return;
        }
        foreach (var group in Enumerable.Range(0, values.Length).GroupBy(i => values[i].Channel))
        {
            int[] own = [.. group];
            ParameterPlace Of(ParameterPlace p) =>
                p with { Places = p.Region is null ? [] : [.. own.Select(i => p.Places[i])], Constants = p.Constants?.Pick(own) };
            to.Element(bound[group.Key], inverse, [.. own.Select(i => indices[i])], [.. parameters.Select(Of)]);
        }
    }

    /// <summary>A network's outputs: channel by channel, the parameters of each as neighbours.</summary>
    public static ParameterPlace[] Of(ElementSpec element, Node output, WeightScope weights, EventShape shape, (int Channel, int Pixel)[] values)
    {
        int count = element.ParameterCount;
        var parameters = new List<ParameterPlace>();
        for (int p = 0; p < count; p++)
        {
            Place[] places = [.. values.Select(value => output.At(value.Channel * count + p, value.Pixel))];
            parameters.Add(new(places[0].Region, [.. places.Select(place => place.Offset)]));
        }
        return [.. parameters, .. Constants(element, weights, shape, values)];
    }

    /// <summary>Learned constants [channels, pixels, parameters].</summary>
    public static ParameterPlace[] Of(ElementSpec element, Formula constants, WeightScope weights, EventShape shape, (int Channel, int Pixel)[] values)
    {
        int count = element.ParameterCount;
        return
        [
            .. Enumerable.Range(0, count).Select(p => new ParameterPlace(
                null, [], constants.Pick([.. values.Select(value => (value.Channel * shape.Pixels + value.Pixel) * count + p)]))),
            .. Constants(element, weights, shape, values),
        ];
    }

    /// <summary>The order in which a network's outputs stand best: parameter by parameter, for some features after the other.</summary>
    public static int[] Order(ElementSpec element, IEnumerable<int[]> groups) =>
        [.. groups.SelectMany(group => Enumerable.Range(0, element.ParameterCount).SelectMany(p => group.Select(feature => feature * element.ParameterCount + p)))];

    /// <summary>Features in the order in which they stand, so that they are read and written as neighbours.</summary>
    public static int[] AsTheyStand(Places places, IEnumerable<int> features) => [.. features.OrderBy(feature => places.Values[feature].Offset)];

    /// <summary>All values, pixel by pixel.</summary>
    public static (int Channel, int Pixel)[] All(EventShape shape, int[]? channels = null) =>
        [.. from pixel in Enumerable.Range(0, shape.Pixels) from channel in channels ?? [.. Enumerable.Range(0, shape.Channels)] select (channel, pixel)];

    private static IEnumerable<ParameterPlace> Constants(ElementSpec element, WeightScope weights, EventShape shape, (int Channel, int Pixel)[] values) =>
        element.CompileConstants(weights, shape.Channels).Select(channels => new ParameterPlace(null, [], channels.Pick([.. values.Select(value => value.Channel)])));
}
