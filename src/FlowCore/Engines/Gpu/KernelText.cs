using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Gpu;

/// <summary>
/// A flow's kernels while they are written: the functions they call, and beside the text the numbers that they read, which are no
/// part of it: flows that differ in their weights alone share their kernels. Steps add to it by their <c>Emit</c>.
/// </summary>
internal sealed class KernelText(bool isSingle, bool allowsTf32 = false)
{
    private readonly StringBuilder functions = new(), kernels = new();
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> named = new(StringComparer.Ordinal);
    private readonly Dictionary<LinearWeights, PackedPanels> packed = [];
    private readonly List<double> numbers = [], exact = [];
    private readonly List<int> tables = [];
    private readonly Dictionary<string, int> statements = new(StringComparer.Ordinal);
    private StringBuilder body = new();
    private int mostRows;
    private string? whole;
    private Array? rounded;

    /// <summary>Whether it computes in float32; else in float64.</summary>
    public bool IsSingle => isSingle;

    /// <summary>Whether products of float32 may be made by tensor cores in TF32.</summary>
    public bool AllowsTf32 => isSingle && allowsTf32;

    /// <summary>The most rows of a tile in the kernel that is being written.</summary>
    public int MostRows
    {
        get => mostRows;
        set => mostRows = value;
    }

    /// <summary>The numbers that the kernels read, rounded to their type.</summary>
    public T[] Numbers<T>()
        where T : unmanaged, INumberBase<T> => (T[])(rounded ??= Array.ConvertAll([.. numbers], T.CreateTruncating));

    /// <summary>Those that stay in float64 whatever the type.</summary>
    public IReadOnlyList<double> Exact => exact;

    /// <summary>Lists of places.</summary>
    public IReadOnlyList<int> Tables => tables;

    /// <summary>The multiply-adds of matrices that the kernel being written does for a row.</summary>
    public long Products { get; private set; }

    /// <summary>About so many instructions it issues to a warp for a full tile: those of products, and of functions by their statements.</summary>
    public long Instructions { get; private set; }

    /// <summary>The inputs of linear steps that a warp reads weights for, one after the other, where there is one row.</summary>
    public long Depth { get; private set; }

    /// <summary>Counts inputs of a linear step.</summary>
    public void CountDepth(long inputs) => Depth += inputs;

    /// <summary>Counts what a step does.</summary>
    public void Count(long products, long instructions)
    {
        Products += products;
        Instructions += instructions;
    }

    /// <summary>The same for a function of the text that is called so often for a row.</summary>
    public void Count(string function, long calls) => Count(0, calls * mostRows / 32 * statements.GetValueOrDefault(function, 1));

    /// <summary>The whole text: what all kernels share, the functions, the kernels.</summary>
    public string Text => whole ??= Words.Of(isSingle) + functions + kernels;

    /// <summary>Adds what a step's calls need, once.</summary>
    public void Use(string code)
    {
        if (used.Add(code))
            functions.Append(code).Append('\n');
    }

    /// <summary>A function of the text, by its parts around the name; equal ones become one.</summary>
    /// <returns>Its name.</returns>
    public string Function(string kind, Func<string, string> write)
    {
        string key = write("_");
        if (named.TryGetValue(key, out string? name))
            return name;
        name = string.Create(CultureInfo.InvariantCulture, $"{kind}_{named.Count}");
        string text = write(name);
        functions.Append(text).Append('\n');
        statements[name] = text.Count(character => character == ';');
        return named[key] = name;
    }

    /// <summary>A line of the kernel that is being written.</summary>
    public void Line(FormattableString line) => body.Append("        ").Append(FormattableString.Invariant(line)).Append('\n');

    /// <summary>A number of the kernel's type.</summary>
    public string Literal(double value) => Term.Literal(value, isSingle);

    /// <summary>A float64.</summary>
    public static string Double(double value) => Term.Literal(value, isSingle: false);

    /// <summary>Where numbers stand among those that the kernels read.</summary>
    public int Place(IReadOnlyCollection<double> values) => Add(numbers, values);

    /// <summary>The same for those that stay in float64.</summary>
    public int PlaceExactly(IReadOnlyCollection<double> values) => Add(exact, values);

    /// <summary>Where a list stands among the tables.</summary>
    public int Table(IReadOnlyCollection<int> list) => Add(tables, list);

    /// <summary>Weights in panels, where they stand; a network that two programs read stands there once.</summary>
    public PackedPanels Panels(LinearWeights weights)
    {
        if (!packed.TryGetValue(weights, out PackedPanels? found))
            packed.Add(weights, found = new PackedPanels(weights, this));
        return found;
    }

    /// <summary>Where the values of a list stand: on a line, or as a table says.</summary>
    public string Places(Region region, IReadOnlyList<int> places)
    {
        int step = places.Count > 1 ? places[1] - places[0] : 0;
        for (int k = 1; k < places.Count; k++)
            if (places[k] - places[k - 1] != step)
                return string.Create(CultureInfo.InvariantCulture, $"Places{{{region.Offset}, 0, a.tables + {Table([.. places])}}}");
        return string.Create(CultureInfo.InvariantCulture, $"Places{{{region.Offset + places[0]}, {step}, nullptr}}");
    }

    /// <summary>Writes a kernel: what <paramref name="write"/> adds is its body.</summary>
    public void Kernel(string head, string foot, Action write)
    {
        body = new StringBuilder();
        (Products, Instructions, Depth) = (0, 0, 0);
        write();
        kernels.Append(head).Append(body).Append(foot);
        (whole, rounded) = (null, null);
    }

    // Equal lists follow one another so often (a pass after a pass) that it pays to look for them.
    private readonly Dictionary<string, int> placed = new(StringComparer.Ordinal);

    private int Add<E>(List<E> to, IReadOnlyCollection<E> values)
        where E : unmanaged
    {
        E[] array = [.. values];
        string key = typeof(E).Name + (ReferenceEquals(to, exact) ? "!" : "") + Convert.ToHexString(
            System.Security.Cryptography.SHA256.HashData(MemoryMarshal.AsBytes<E>(array)));
        if (placed.TryGetValue(key, out int at))
            return at;
        // Whole lines of four: panels are read so.
        while (to.Count % 4 != 0)
            to.Add(default);
        at = to.Count;
        to.AddRange(array);
        return placed[key] = at;
    }
}

/// <summary>
/// The panels of a linear map as a kernel reads them: 32 columns each, input by input, without the inputs that none of them reads; the
/// same panels that the CPU's engine has, so that the same products are left out.
/// </summary>
internal sealed class PackedPanels
{
    /// <summary>The columns of a panel.</summary>
    public const int Columns = 32;

    /// <summary>The entries of a panel in the table: first column, columns, inputs, weights, biases, the first of neighbouring inputs, the list of others or -1.</summary>
    public const int Entries = 7;

    public PackedPanels(LinearWeights weights, KernelText text)
    {
        Count = (weights.Outputs + Columns - 1) / Columns;
        var entries = new List<int>();
        for (int panel = 0; panel < Count; panel++)
        {
            int first = panel * Columns, width = Math.Min(Columns, weights.Outputs - first);
            int[] inputs = [.. Enumerable.Range(0, weights.Index.Length).Where(k => Enumerable.Range(first, width).Any(column => !weights.IsZero(column, k)))];
            int[] places = [.. inputs.Select(k => weights.Index[k])];
            bool neighbours = Enumerable.Range(0, places.Length).All(i => places[i] == places[0] + i);
            double[] packed = [.. inputs.SelectMany(k => Enumerable.Range(first, Columns).Select(column => column < first + width ? weights.At(column, k) : 0))];
            double[] bias = [.. Enumerable.Range(first, Columns).Select(column => column < first + width ? weights.Bias.Values[column] : 0)];
            entries.AddRange([first, width, inputs.Length, text.Place(packed), text.Place(bias), neighbours ? places.FirstOrDefault() : 0, neighbours ? -1 : text.Table(places)]);
            Products += (long)inputs.Length * Columns;
            Depth = Math.Max(Depth, inputs.Length);
        }
        Table = text.Table(entries);
    }

    public int Count { get; }

    /// <summary>The inputs of the panel that has the most.</summary>
    public int Depth { get; }

    /// <summary>Where the panels are listed.</summary>
    public int Table { get; }

    /// <summary>The products of a row, those with the columns that fill the last panel up among them.</summary>
    public long Products { get; }
}
