using FlowCore.Bijections.Elements;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Kernels;

// The same network in the text of a kernel: a thread has a value to itself, and all threads of a warp read the same weights, or those
// of two features. Its weights stand among the kernel's numbers: of each layer the biases, then output by output its weights; in
// front of them the first layer's weights of the value.
internal sealed unsafe partial class LaneNetwork<T>
{
    /// <summary>The units of the widest layer.</summary>
    public int MostUnits => network.Layers.Max(layer => layer.Outputs);

    /// <summary>Adds the weights to those that a kernel reads; returns where they begin.</summary>
    public int Place(KernelText text)
    {
        FeatureLayer first = network.Layers[0];
        return text.Place([
            .. Enumerable.Range(0, first.Outputs).Select(o => first.Weight[o * first.Inputs]), .. first.Bias, .. first.Weight.Where((_, i) => i % first.Inputs > 0),
            .. network.Layers.Skip(1).SelectMany(layer => layer.Bias.Concat(layer.Weight)),
        ]);
    }

    /// <summary>Statements that put into <c>of_signal</c> what the signal, <c>p(0), p(1), ...</c>, adds to the first layer.</summary>
    public string SignalText
    {
        get
        {
            int outputs = network.Layers[0].Outputs, inputs = network.Layers[0].Inputs - 1;
            return $$"""
                        for (int o = 0; o < {{outputs}}; o++)
                        {
                            N sum = p.weight({{outputs}} + o);
                            for (int k = 0; k < {{inputs}}; k++)
                                sum = multiply_add(p(k), p.weight({{2 * outputs}} + o * {{inputs}} + k), sum);
                            of_signal[o] = sum;
                        }
                """;
        }
    }

    /// <summary>The first layer at a value; where a name for it is given, its derivative, too.</summary>
    public string BeginText(string to, string value, string? toTangent = null) => $$"""
                for (int o = 0; o < {{network.Layers[0].Outputs}}; o++)
                    {{to}}[o] = multiply_add({{value}}, p.weight(o), of_signal[o]){{(toTangent is null ? "" : $", {toTangent}[o] = p.weight(o)")}};
        """;

    /// <summary>A later layer; where names for them are given, its derivative, too.</summary>
    public string LayerText(int layer, string from, string to, string? tangent = null, string? toTangent = null)
    {
        FeatureLayer at = network.Layers[layer + 1];
        int biases = network.Layers.Take(layer + 1).Sum(before => before.Bias.Length + before.Weight.Length), weights = biases + at.Outputs;
        return $$"""
                    for (int o = 0; o < {{at.Outputs}}; o++)
                    {
                        N sum = p.weight({{biases}} + o){{(tangent is null ? "" : ", slope = 0")}};
                        for (int k = 0; k < {{at.Inputs}}; k++)
                        {
                            N weight = p.weight({{weights}} + o * {{at.Inputs}} + k);
                            sum = multiply_add({{from}}[k], weight, sum);
                            {{(tangent is null ? "" : $"slope = multiply_add({tangent}[k], weight, slope);")}}
                        }
                        {{to}}[o] = sum{{(tangent is null ? "" : $", {toTangent}[o] = slope")}};
                    }
            """;
    }
}
