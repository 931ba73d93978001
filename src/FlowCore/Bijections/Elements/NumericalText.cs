using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// The elements without a closed inverse in the text of a kernel: a thread has a value to itself, and searches as the CPU's engine
/// does. A map is a structure with <c>prepare()</c>, once for a value, and the call <c>map(x, log_derivative)</c>.
/// </summary>
internal static class NumericalText
{
    /// <summary>Writes one direction of an element as a function; returns its name.</summary>
    /// <param name="text">The kernels.</param>
    /// <param name="inverse">Which direction.</param>
    /// <param name="isSingle">Whether the map computes in float32; else in float64, whatever the kernel's type is.</param>
    /// <param name="reach">Where the search begins: the bracket [-reach, reach].</param>
    /// <param name="takesEveryValue">Whether the bracket may be doubled until it holds the root.</param>
    /// <param name="write">The map's structure, a template over the parameters' type P, by its name.</param>
    public static string Element(KernelText text, bool inverse, bool isSingle, double reach, bool takesEveryValue, Func<string, string> write)
    {
        string number = isSingle ? "float" : "double", map = text.Function("numerical_map", write);
        string found = inverse
            ? $"root_of(map, ({number})value, ({number}){KernelText.Double(reach)}, {(takesEveryValue ? "true" : "false")})"
            : $"map(({number})value, slope)";
        if (inverse)
            text.Use(Search);
        return text.Function("element", name => $$"""
            template<class P> WORD N {{name}}(N value, P p, N &log_derivative)
            {
                {{map}}<P> map;
                map.p = p;
                map.prepare();
                {{number}} slope, result = {{found}};
                {{(inverse ? "map(result, slope);" : "")}}
                log_derivative = (N){{(inverse ? "-" : "")}}slope;
                return (N)result;
            }
            """);
    }

    /// <summary>Nodes and weights of a quadrature as two arrays.</summary>
    public static string Rule((double Node, double Weight)[] rule, Func<double, string> literal) =>
        $"nodes[] = {{{string.Join(", ", rule.Select(point => literal(point.Node)))}}}, weights[] = {{{string.Join(", ", rule.Select(point => literal(point.Weight)))}}}";

    // Newton's method inside a bracket that shrinks with every step, with bisection where Newton would leave it. A target that the map
    // never takes ends at an end of the bracket.
    private static readonly string Search = $$"""
        WORD float tolerance_of(float) { return {{Term.Literal(1e-7, isSingle: true)}}; }
        WORD double tolerance_of(double) { return {{Term.Literal(1e-14, isSingle: false)}}; }
        template<class MAP, class R> APART R root_of(MAP &map, R y, R reach, bool takes_every_value)
        {
            R low = -reach, high = reach, slope;
            for (int i = 0; i < {{NumericalElement.MostDoublings}} && takes_every_value; i++)
            {
                bool low_misses = map(low, slope) > y, high_misses = map(high, slope) < y;
                if (!low_misses && !high_misses)
                    break;
                if (low_misses)
                    low = low + low;
                if (high_misses)
                    high = high + high;
            }
            R x = (R)0.5 * (low + high);
            for (int i = 0; i < {{NumericalElement.MostSteps}}; i++)
            {
                R value = map(x, slope);
                (value > y ? high : low) = x;
                R newton = x - (value - y) * exponential(-slope);
                R next = newton > low && newton < high ? newton : (R)0.5 * (low + high);
                bool moves = size_of(next - x) > tolerance_of(x) * ((R)1 + size_of(next));
                x = next;
                if (!moves)
                    break;
            }
            return x;
        }
        """;
}
