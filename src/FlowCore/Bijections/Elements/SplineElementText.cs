using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

// The search for a bin, which a kernel's text has unrolled, as a loop of the text: for splines of so many bins that unrolled it would be too long.
internal readonly unsafe partial struct SplineElementMap
{
    private const int MostUnrolled = 64;

    private SplineBin<Term> FindByLoop(Term value, bool byHeight)
    {
        bool ownEnds = ownTails || tails != SplineTails.Linear;
        int slopes = 2 * bins + (ownEnds ? 1 : 0), lastSlope = slopes + (ownTails || tails == SplineTails.Circular ? -1 : bins - 1);
        static string L(double number) => Term.Literal(number, Term.IsSingle);
        string clipped = softclip ? $"u / ({L(1)} + {L(2 / clip)} * size_of(u))" : $"u * {L(spec.RawScale)}";
        Term.Statements($$"""
                N shares[{{2 * bins}}], per[2], x = {{L(lower)}}, y = x, x1 = x, y1 = x, raw0 = {{(ownEnds ? $"p({slopes - 1})" : "0")}}, raw1 = raw0, sum_x = 0, sum_y = 0;
                for (int side = 0; side < 2; side++)
                {
                    N most = {{L(double.NegativeInfinity)}}, sum = 0, *share = shares + side * {{bins}};
                    for (int j = 0; j < {{bins}}; j++)
                    {
                        N u = p(side * {{bins}} + j);
                        share[j] = {{clipped}};
                        most = most > share[j] ? most : share[j];
                    }
                    for (int j = 0; j < {{bins}}; j++)
                    {
                        share[j] = exponential(share[j] - most);
                        sum += share[j];
                    }
                    per[side] = (side == 0 ? {{L(1 - minWidth * bins)}} : {{L(1 - minHeight * bins)}}) / sum;
                }
                bool reached = true, is_first = true;
                for (int j = 1; reached && j < {{bins}}; j++)
                {
                    sum_x += multiply_add(shares[j - 1], per[0], {{L(minWidth)}});
                    sum_y += multiply_add(shares[{{bins}} + j - 1], per[1], {{L(minHeight)}});
                    x1 = multiply_add({{L(upper - lower)}}, sum_x, {{L(lower)}});
                    y1 = multiply_add({{L(upper - lower)}}, sum_y, {{L(lower)}});
                    raw1 = p({{slopes}} + j - 1);
                    reached = {{(byHeight ? "y1" : "x1")}} <= {{value.Name}};
                    if (reached)
                        x = x1, y = y1, raw0 = raw1, is_first = false;
                }
                if (reached)
                    x1 = {{L(upper)}}, y1 = x1{{(ownEnds ? $", raw1 = p({lastSlope})" : "")}};
            """);
        Term Named(string name) => Term.Named(name);
        return Bin(
            default(NamedParameters), Named("x"), Named("y"), Named("x1"), Named("y1"), Named("raw0"), Named("raw1"), Term.NamedMask("is_first"), Term.NamedMask("reached"));
    }
}
