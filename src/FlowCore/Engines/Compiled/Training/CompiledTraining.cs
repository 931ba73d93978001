using System.Diagnostics;
using System.Numerics;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Training;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>
/// Maximum likelihood by AdamW (Loshchilov, Hutter 2019, arXiv 1711.05101) on a flow compiled with its way back. A batch is cut into
/// shares, and a share into tiles, by its own size alone; each share has a gradient of its own, and these are added up in their order:
/// the same batches give the same weights, bit for bit, on any number of threads. Nothing is allocated in steady state.
/// </summary>
internal sealed unsafe class CompiledTraining<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // A share costs a gradient of its own: to be cleared, and to be added up.
    private const int MostShares = 8, LeastRows = 64;

    private readonly TrainingProgram<T> program;
    private readonly Optimizer<T> optimizer;
    private readonly T[][] memories;
    private readonly double[] shareSums = new double[MostShares];
    private readonly Workers workers;
    private readonly Action<int, int> compute;
    private readonly int width, contextWidth;
    private Job job;

    /// <param name="start">The flow, and the weights that it starts from.</param>
    /// <param name="threads">The cores that a batch is spread over.</param>
    /// <param name="rates">How each parameter learns, by name; one that is not named learns at the full rate.</param>
    /// <exception cref="NotCompiledException">A kind of the flow is not compiled, or has no way back.</exception>
    public CompiledTraining(Checkpoint start, int threads, IReadOnlyDictionary<string, LearningRate> rates)
    {
        var (plan, parameters) = CompiledFlow.ForTraining(start);
        Parameters = parameters;
        var layout = new WeightLayout();
        program = plan.LowerForTraining<T>(layout);
        memories = [.. Enumerable.Range(0, threads).Select(_ => GC.AllocateArray<T>(checked((int)program.MemoryValues + 256), pinned: true))];
        (width, contextWidth) = (start.Spec.Width, start.Spec.ContextWidth);
        (workers, compute) = (new Workers(threads), Compute);
        optimizer = new Optimizer<T>(program, layout, rates, MostShares, workers);
    }

    /// <summary>The parameters by name; <see cref="Read"/> brings their values up to date.</summary>
    public IReadOnlyDictionary<string, Formula> Parameters { get; }

    /// <summary>
    /// One step on the mean log density of some rows: its value before the step in nats, and the length of the gradient. Where either
    /// is not finite, nothing is changed.
    /// </summary>
    /// <param name="rows">Rows of data.</param>
    /// <param name="contexts">Their contexts; empty where there is none.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="longest">A longer gradient is shortened to this length.</param>
    public (double LogProb, double GradientNorm) Step(ReadOnlySpan<T> rows, ReadOnlySpan<T> contexts, double rate, double longest)
    {
        double logProb = Differentiate(rows, contexts), norm = Math.Sqrt(optimizer.AddUp(job.Shares));
        if (double.IsFinite(norm) && double.IsFinite(logProb))
            optimizer.Step(rate, norm > longest ? longest / norm : 1);
        return (logProb, norm);
    }

    /// <summary>log p of each row, in nats.</summary>
    public void LogProb(ReadOnlySpan<T> rows, ReadOnlySpan<T> contexts, Span<double> logProb)
    {
        fixed (T* row = rows, context = contexts)
        fixed (double* result = logProb)
            Run(new Job(row, context, logProb.Length) { Result = result });
    }

    /// <summary>The mean log density's gradient by each parameter, and by the rows and contexts.</summary>
    public double Gradient(ReadOnlySpan<T> rows, ReadOnlySpan<T> contexts, Span<T> ofRows, Span<T> ofContexts, Dictionary<string, double[]> ofParameters)
    {
        double logProb = Differentiate(rows, contexts, ofRows, ofContexts);
        optimizer.AddUp(job.Shares);
        optimizer.ReadGradients(ofParameters);
        return logProb;
    }

    /// <summary>Remembers the weights as they are.</summary>
    public void Keep() => optimizer.Keep();

    /// <summary>Goes back to the weights that were remembered.</summary>
    public void Restore() => optimizer.Restore();

    /// <summary>Lets the weights and their running mean change places.</summary>
    public void Swap() => optimizer.Swap();

    /// <summary>Brings the parameters' values up to date.</summary>
    public void Read() => optimizer.ReadWeights();

    private double Differentiate(ReadOnlySpan<T> rows, ReadOnlySpan<T> contexts, Span<T> ofRows = default, Span<T> ofContexts = default)
    {
        int count = rows.Length / width;
        Debug.Assert(rows.Length == count * width && contexts.Length == count * contextWidth, "Whole rows, each with its context.");
        int shares = Math.Clamp(count / Math.Min(2 * program.TileRows, LeastRows), 1, MostShares);
        optimizer.MakeRoom(shares);
        fixed (T* row = rows, context = contexts, ofRow = ofRows, ofContext = ofContexts)
            Run(new Job(row, context, count) { Shares = shares, GoesBack = true, OfRows = ofRow, OfContexts = ofContext });
        double sum = 0;
        for (int share = 0; share < shares; share++)
            sum += shareSums[share];
        return sum / count;
    }

    private void Run(in Job next)
    {
        job = next;
        if (!next.GoesBack)
            job.Shares = (next.Rows + program.TileRows - 1) / program.TileRows;
        workers.Run(job.Shares, compute);
    }

    /// <summary>A share of the batch, on any of the threads.</summary>
    private void Compute(int share, int thread)
    {
        int first = (int)((long)job.Rows * share / job.Shares), end = (int)((long)job.Rows * (share + 1) / job.Shares);
        T* gradient = job.GoesBack ? optimizer.Cleared(share) : null;
        FlowProgram plan = program.Plan;
        double sum = 0;
        for (int from = first; from < end; from += program.TileRows)
        {
            int rows = Math.Min(program.TileRows, end - from);
            var tile = new Tile<T>(
                Pinned.Aligned(memories[thread]), rows, program.MemoryValues, optimizer.Weights, gradient, T.CreateTruncating(-1.0 / job.Rows));
            Copy(job.Input + (long)from * width, tile.At(plan.Input), rows * width);
            Copy(job.Contexts + (long)from * contextWidth, tile.At(plan.Context), rows * contextWidth);
            program.Forth(tile);
            double* logDet = tile.Sums(plan.LogDet), logDensity = tile.Sums(plan.LogDensity);
            for (int row = 0; row < rows; row++)
            {
                sum += logDet[row] + logDensity[row];
                if (job.Result is not null)
                    job.Result[from + row] = logDet[row] + logDensity[row];
            }
            if (!job.GoesBack)
                continue;
            program.Back(tile);
            Return(tile, plan.Input, job.OfRows, from, width);
            Return(tile, plan.Context, job.OfContexts, from, contextWidth);
        }
        if (job.GoesBack)
            shareSums[share] = sum;
    }

    private static void Copy(T* from, T* to, int count) => new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));

    private static void Return(in Tile<T> tile, Region region, T* to, int first, int width)
    {
        for (int row = 0; to is not null && row < tile.Rows; row++)
            for (int i = 0; i < width; i++)
                to[(long)(first + row) * width + i] = -tile.At(region.Adjoint)[row * region.Adjoint.Width + i];
    }

    public void Dispose() => workers.Dispose();

    /// <summary>The batch that is being computed.</summary>
    private struct Job(T* input, T* contexts, int rows)
    {
        public readonly T* Input = input, Contexts = contexts;
        public readonly int Rows = rows;
        public int Shares;
        public bool GoesBack;
        public T* OfRows, OfContexts;
        public double* Result;
    }
}
