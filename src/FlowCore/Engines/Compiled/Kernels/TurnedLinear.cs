using System.Numerics;
using FlowCore.Engines.Compiled.Training;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>Some neighbouring inputs of a linear map: where the first one stands in a row, and the column of its weights.</summary>
internal readonly record struct InputRun(int Place, int Column, int Length);

/// <summary>
/// A linear map's weights as the way back reads them, and as a training keeps them: a line for each output, in it the inputs run by
/// run, each run filled up with zeros to whole vectors of sixteen. Inputs that are scattered are gathered into one run.
/// </summary>
internal sealed class TurnedLinear<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Unit = 16, ShortestRun = 8;

    private readonly LinearWeights weights;

    public TurnedLinear(LinearWeights weights, Lowering<T> to)
    {
        this.weights = weights;
        var runs = new List<InputRun>();
        for (int k = 0; k < weights.Index.Length; k++)
            if (runs.Count > 0 && runs[^1].Place + runs[^1].Length == weights.Index[k])
                runs[^1] = runs[^1] with { Length = runs[^1].Length + 1 };
            else
                runs.Add(new InputRun(weights.Index[k], 0, 1));
        Gathers = runs.Count > 1 && weights.Index.Length < ShortestRun * runs.Count;
        if (Gathers)
            (Scattered, runs) = (Columned([.. runs]), [new InputRun(0, 0, weights.Index.Length)]);
        int width = 0;
        for (int i = 0; i < runs.Count; width += Padded(runs[i].Length), i++)
            runs[i] = runs[i] with { Column = width };
        (Runs, Width) = ([.. runs], Math.Max(Unit, width));
        Columns = [.. Runs.SelectMany(run => Enumerable.Range(run.Column, run.Length))];
        var entries = new int[weights.Outputs * Width];
        Array.Fill(entries, -1);
        for (int output = 0; output < weights.Outputs; output++)
            for (int k = 0; k < weights.Index.Length; k++)
                if (!weights.IsZero(output, k))
                    entries[output * Width + Columns[k]] = output * weights.Index.Length + k;
        Lines = to.Numbers(weights.Matrix, entries);
        Bias = to.Numbers(weights.Bias);
    }

    public int Outputs => weights.Outputs;

    /// <summary>The distance from an output's line to the next.</summary>
    public int Width { get; }

    public InputRun[] Runs { get; }

    /// <summary>Whether the inputs are gathered, and their adjoints scattered.</summary>
    public bool Gathers { get; }

    /// <summary>Where those that are gathered stand in a row, and the columns that they get.</summary>
    public InputRun[] Scattered { get; } = [];

    /// <summary>The column of each input.</summary>
    public int[] Columns { get; }

    public Numbers<T> Lines { get; }

    public Numbers<T> Bias { get; }

    /// <summary>The first and the last output, of some, that read any of these columns.</summary>
    public (int First, int End) Readers(int firstOutput, int endOutput, int column, int count)
    {
        int first = endOutput, end = firstOutput;
        for (int output = firstOutput; output < endOutput; output++)
            for (int k = 0; k < Columns.Length; k++)
                if (Columns[k] >= column && Columns[k] < column + count && !weights.IsZero(output, k))
                {
                    first = Math.Min(first, output);
                    end = output + 1;
                    break;
                }
        return (Math.Min(first, end), end);
    }

    // One behind the other.
    private static InputRun[] Columned(InputRun[] runs)
    {
        for (int i = 1; i < runs.Length; i++)
            runs[i] = runs[i] with { Column = runs[i - 1].Column + runs[i - 1].Length };
        return runs;
    }

    public static int Padded(int length) => (length + Unit - 1) / Unit * Unit;
}
