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
    private readonly ParameterHome<T>[] homes;
    private readonly WeightBlock[] computed;
    private readonly Formula[] order, starts;
    private readonly Dictionary<Formula, long> placeOf = [];
    private readonly T[] weights, mean, square, kept;
    private readonly T[][] gradients, memories;
    private readonly double[] shareSums;
    private readonly Workers workers;
    private readonly int width, contextWidth;
    private Job job;
    private int step;

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
        starts = [.. plan.Operations.OfType<StartOperation>().Select(start => start.Value).Where(start => start.Learns)];
        (WeightBlock[] settled, computed, order) = layout.Settle(plan.Operations.SelectMany(operation => operation.ReadExactly));
        weights = GC.AllocateArray<T>(checked((int)layout.Size + 64), pinned: true);
        (mean, square, kept) = (New(), New(), New());
        gradients = [.. Enumerable.Range(0, MostShares).Select(_ => Array.Empty<T>())];
        memories = [.. Enumerable.Range(0, threads).Select(_ => GC.AllocateArray<T>(checked((int)program.MemoryValues + 256), pinned: true))];
        shareSums = new double[MostShares];
        homes = [.. settled.Select(block => new ParameterHome<T>(block, rates.GetValueOrDefault(block.Formula.Name!, new(1, 0))))];
        foreach (ParameterHome<T> home in homes)
        {
            home.Put(weights);
            if (Array.IndexOf(order, home.Block.Formula) >= 0)
                placeOf.Add(home.Block.Formula, home.Block.Offset);
        }
        (width, contextWidth) = (start.Spec.Width, start.Spec.ContextWidth);
        workers = new Workers(threads, Compute);
        Refresh();
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
        double logProb = Differentiate(rows, contexts), norm = Math.Sqrt(AddUp());
        if (!double.IsFinite(norm) || !double.IsFinite(logProb))
            return (logProb, norm);
        step++;
        var adam = new AdamStep(rate, step, norm > longest ? longest / norm : 1);
        foreach (ParameterHome<T> home in homes)
            home.Update(adam, weights, mean, square, gradients[0]);
        Refresh();
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
        AddUp();
        foreach (ParameterHome<T> home in homes)
            ofParameters[home.Block.Formula.Name!] = home.Read(gradients[0], -1);
        return logProb;
    }

    /// <summary>Remembers the weights as they are.</summary>
    public void Keep() => weights.CopyTo(kept, 0);

    /// <summary>Goes back to the weights that were remembered.</summary>
    public void Restore()
    {
        kept.CopyTo(weights, 0);
        Refresh();
    }

    /// <summary>Brings the parameters' values up to date.</summary>
    public void Read()
    {
        foreach (ParameterHome<T> home in homes)
            home.Take(weights);
    }

    private T[] New() => GC.AllocateArray<T>(weights.Length, pinned: true);

    private double Differentiate(ReadOnlySpan<T> rows, ReadOnlySpan<T> contexts, Span<T> ofRows = default, Span<T> ofContexts = default)
    {
        int count = rows.Length / width;
        Debug.Assert(rows.Length == count * width && contexts.Length == count * contextWidth, "Whole rows, each with its context.");
        int shares = Math.Clamp(count / Math.Min(2 * program.TileRows, LeastRows), 1, MostShares);
        for (int share = 0; share < shares; share++)
            if (gradients[share].Length == 0)
                gradients[share] = New();
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
        workers.Run(job.Shares);
    }

    /// <summary>A share of the batch, on any of the threads.</summary>
    private void Compute(int share, int thread)
    {
        int first = (int)((long)job.Rows * share / job.Shares), end = (int)((long)job.Rows * (share + 1) / job.Shares);
        T* gradient = job.GoesBack ? Pinned.Pointer(gradients[share]) : null;
        if (gradient is not null)
            new Span<T>(gradient, gradients[share].Length).Clear();
        FlowProgram plan = program.Plan;
        double sum = 0;
        for (int from = first; from < end; from += program.TileRows)
        {
            int rows = Math.Min(program.TileRows, end - from);
            var tile = new Tile<T>(
                Pinned.Aligned(memories[thread]), rows, program.MemoryValues, Pinned.Pointer(weights), gradient, T.CreateTruncating(-1.0 / job.Rows));
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

    /// <summary>The shares' gradients as one, in the first one's place; returns the square of its length.</summary>
    private double AddUp()
    {
        foreach (Formula formula in order)
            Array.Clear(formula.Gradient);
        // The constant part of the log-determinant belongs to every row: the weights of all rows make -1.
        foreach (Formula start in starts)
            start.Gradient[0] -= 1;
        T* sum = Pinned.Pointer(gradients[0]);
        foreach (WeightBlock block in computed)
        {
            AddShares(sum, block.Offset, block.Entries.Length);
            for (int i = 0; i < block.Entries.Length; i++)
                if (block.Entries[i] >= 0)
                    block.Formula.Gradient[block.Entries[i]] += double.CreateTruncating(sum[block.Offset + i]);
        }
        for (int i = order.Length - 1; i >= 0; i--)
            order[i].Back();
        double square = 0;
        foreach (ParameterHome<T> home in homes)
        {
            T* own = sum + home.Block.Offset;
            if (placeOf.ContainsKey(home.Block.Formula))
                for (int i = 0; i < home.Count; i++)
                    own[i] = T.CreateTruncating(home.Block.Formula.Gradient[i]);
            else
                AddShares(sum, home.Block.Offset, home.Count);
            square += home.Square(own);
        }
        return square;
    }

    private void AddShares(T* sum, long offset, int count)
    {
        for (int share = 1; share < job.Shares; share++)
            Steps.Run.Add(Pinned.Pointer(gradients[share]) + offset, sum + offset, count);
    }

    /// <summary>Computes what follows from the parameters.</summary>
    private void Refresh()
    {
        foreach (Formula formula in order)
            if (placeOf.TryGetValue(formula, out long place))
                for (int i = 0; i < formula.Count; i++)
                    formula.Values[i] = double.CreateTruncating(weights[place + i]);
            else
                formula.Evaluate();
        foreach (WeightBlock block in computed)
            for (int i = 0; i < block.Entries.Length; i++)
                weights[block.Offset + i] = block.Entries[i] < 0 ? T.Zero : T.CreateTruncating(block.Formula.Values[block.Entries[i]]);
        program.Refresh(new Tile<T>(null, 0, 0, Pinned.Pointer(weights)));
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
