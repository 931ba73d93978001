using System.Globalization;
using System.Text;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Gpu;

/// <summary>
/// A value of a formula as a name in the text of a kernel: whatever is computed with it becomes a statement of the function that is
/// being written on this thread. Equal expressions become one.
/// </summary>
internal readonly record struct Term(int Id) : IValue<Term>
{
    [ThreadStatic]
    private static Function? writing;

    private static Function Now => writing ?? throw new InvalidOperationException("no function is being written");

    public static bool IsSingle => Now.IsSingle;

    public static Term Everywhere => Now.Mask("true");

    /// <summary>The body of a function that computes what the formula says, and the names of its results.</summary>
    public static (string Body, string[] Results) Write(bool isSingle, Func<Term[]> formula)
    {
        writing = new Function(isSingle);
        try
        {
            Term[] results = formula();
            return (Now.Body, [.. results.Select(result => Now[result])]);
        }
        finally
        {
            writing = null;
        }
    }

    /// <summary>What stands for a value outside of the formula, like an argument's name.</summary>
    public static Term Named(string expression) => Now.Value(expression);

    /// <summary>The same for a mask.</summary>
    public static Term NamedMask(string expression) => Now.Mask(expression);

    /// <summary>Statements as they stand, whose results are then <see cref="Named"/>: for loops too long to be unrolled.</summary>
    public static void Statements(string code) => Now.Append(code);

    /// <summary>What a value is called in such statements.</summary>
    public string Name => Now[this];

    public static Term Of(double value) => Now.Literal(value);

    public static Term operator -(Term a) => Now.Value($"-{Now[a]}");

    public static Term operator +(Term a, Term b) => Now.Value($"{Now[a]} + {Now[b]}");

    public static Term operator -(Term a, Term b) => Now.Value($"{Now[a]} - {Now[b]}");

    public static Term operator *(Term a, Term b) => Now.Value($"{Now[a]} * {Now[b]}");

    public static Term operator /(Term a, Term b) => Now.Value($"{Now[a]} / {Now[b]}");

    public static Term operator <(Term a, Term b) => Now.Mask($"{Now[a]} < {Now[b]}");

    public static Term operator <=(Term a, Term b) => Now.Mask($"{Now[a]} <= {Now[b]}");

    public static Term operator >(Term a, Term b) => Now.Mask($"{Now[a]} > {Now[b]}");

    public static Term operator >=(Term a, Term b) => Now.Mask($"{Now[a]} >= {Now[b]}");

    public static Term AreEqual(Term a, Term b) => Now.Mask($"{Now[a]} == {Now[b]}");

    public static Term operator &(Term a, Term mask) => Now.IsMask(a)
        ? Now.Mask($"{Now[a]} && {Now[mask]}")
        : Now.Value($"{Now[mask]} ? {Now[a]} : {Now[Of(0)]}");

    public static Term operator ~(Term mask) => Now.Mask($"!{Now[mask]}");

    public static Term Select(Term mask, Term a, Term b)
    {
        string chosen = $"{Now[mask]} ? {Now[a]} : {Now[b]}";
        return Now.IsMask(a) ? Now.Mask(chosen) : Now.Value(chosen);
    }

    public static Term MultiplyAdd(Term a, Term b, Term c) => Now.Value($"multiply_add({Now[a]}, {Now[b]}, {Now[c]})");

    public static Term Larger(Term a, Term b) => Now.Value($"{Now[a]} > {Now[b]} ? {Now[a]} : {Now[b]}");

    public static Term Abs(Term x) => Now.Value($"size_of({Now[x]})");

    public static Term Sqrt(Term x) => Now.Value($"root({Now[x]})");

    public static Term Floor(Term x) => Now.Value($"whole({Now[x]})");

    public static Term Remainder(Term x, double turn) => Now.Value($"remainder_of({Now[x]}, {Now[Of(turn)]})");

    public static Term TimesPowerOfTwo(Term p, Term n) => Now.Value($"times_power_of_two({Now[p]}, {Now[n]})");

    public static Term Mantissa(Term x, out Term exponent)
    {
        exponent = Now.Value($"exponent({Now[x]})");
        return Now.Value($"mantissa({Now[x]})");
    }

    /// <summary>A number as the text has it: exactly.</summary>
    public static string Literal(double value, bool isSingle)
    {
        if (isSingle)
            value = (float)value;
        if (double.IsNaN(value))
            return isSingle ? "number_of(0x7fc00000)" : "number_of(0x7ff8000000000000LL)";
        if (double.IsInfinity(value))
            return (value < 0 ? "-" : "") + (isSingle ? "number_of(0x7f800000)" : "number_of(0x7ff0000000000000LL)");
        long bits = BitConverter.DoubleToInt64Bits(value), mantissa = bits & 0x000FFFFFFFFFFFFF;
        int exponent = (int)(bits >> 52 & 0x7FF);
        if (exponent > 0)
            mantissa |= 1L << 52;
        while (mantissa != 0 && (mantissa & 1) == 0)
        {
            mantissa >>= 1;
            exponent++;
        }
        string digits = mantissa == 0
            ? "0.0"
            : string.Create(CultureInfo.InvariantCulture, $"0x{mantissa:x}p{Math.Max(exponent, 1) - 1075}");
        return $"{(bits < 0 ? "-" : "")}{digits}{(isSingle ? "f" : "")}";
    }

    /// <summary>A function whose statements are being written.</summary>
    private sealed class Function(bool isSingle)
    {
        private readonly List<(string Name, bool IsMask)> terms = [];
        private readonly Dictionary<string, Term> known = new(StringComparer.Ordinal);
        private readonly StringBuilder body = new();

        public bool IsSingle => isSingle;

        public string Body => body.ToString();

        public string this[Term term] => terms[term.Id].Name;

        public bool IsMask(Term term) => terms[term.Id].IsMask;

        public Term Literal(double value)
        {
            string text = Term.Literal(value, isSingle);
            return known.TryGetValue(text, out Term found) ? found : known[text] = Add(text.StartsWith('-') ? $"({text})" : text, isMask: false);
        }

        public Term Value(string expression) => Statement(expression, isSingle ? "float" : "double", isMask: false);

        public Term Mask(string expression) => Statement(expression, "bool", isMask: true);

        public void Append(string code) => body.Append(code).Append('\n');

        private Term Statement(string expression, string type, bool isMask)
        {
            if (known.TryGetValue(expression, out Term found))
                return found;
            string name = string.Create(CultureInfo.InvariantCulture, $"v{terms.Count}");
            body.Append(CultureInfo.InvariantCulture, $"    const {type} {name} = {expression};\n");
            return known[expression] = Add(name, isMask);
        }

        private Term Add(string name, bool isMask)
        {
            terms.Add((name, isMask));
            return new Term(terms.Count - 1);
        }
    }
}

/// <summary>The parameters of an element in the text of its function: p(0), p(1), ...</summary>
internal readonly struct NamedParameters : IParameters<Term>
{
    public Term this[int parameter] => Term.Named(string.Create(CultureInfo.InvariantCulture, $"p({parameter})"));
}
