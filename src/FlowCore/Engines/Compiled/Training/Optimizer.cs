using System.Numerics;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Training;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>
/// The weights of a training, and AdamW on them: adds up the shares' gradients, changes the parameters, and brings up to date what follows
/// from them. A third of a small network's step is this, all of it traffic with memory; so each of the three goes through the parameters one
/// by one on all threads. No sum crosses a parameter's border but that of the squares, which are added in the parameters' order: threads
/// change no bit.
/// </summary>
internal sealed unsafe class Optimizer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // What one thread goes through sooner than another wakes up. Where the batch is a single share, the others sleep more deeply.
    private const int FewWeights = 1 << 15, FewWithOneShare = 1 << 18;

    private readonly TrainingProgram<T> program;
    private readonly Workers workers;
    private readonly Action<int, int> addUp, update, refresh;
    private readonly ParameterHome<T>[] homes;
    private readonly WeightBlock[] computed;
    private readonly Formula[] order, starts;
    private readonly Dictionary<Formula, long> placeOf = [];
    private readonly T[] weights, averages, mean, square, kept;
    private readonly T[][] gradients;
    private readonly double[] squares;
    private readonly int count;
    private AdamStep adam;
    private int shares;

    /// <param name="program">What reads the weights.</param>
    /// <param name="layout">Where it reads them.</param>
    /// <param name="rates">How each parameter learns, by name; one that is not named learns at the full rate.</param>
    /// <param name="mostShares">The most gradients that are added up.</param>
    /// <param name="workers">The threads.</param>
    public Optimizer(TrainingProgram<T> program, WeightLayout layout, IReadOnlyDictionary<string, LearningRate> rates, int mostShares, Workers workers)
    {
        (this.program, this.workers) = (program, workers);
        (addUp, update, refresh) = (AddUp, Update, Refresh);
        starts = [.. program.Plan.Operations.OfType<StartOperation>().Select(start => start.Value).Where(start => start.Learns)];
        (WeightBlock[] settled, computed, order) = layout.Settle(program.Plan.Operations.SelectMany(operation => operation.ReadExactly));
        weights = GC.AllocateArray<T>(checked((int)layout.Size + 64), pinned: true);
        (averages, mean, square, kept) = (New(), New(), New(), New());
        gradients = [.. Enumerable.Range(0, mostShares).Select(_ => Array.Empty<T>())];
        homes = [.. settled.Select(block => new ParameterHome<T>(block, rates.GetValueOrDefault(block.Formula.Name!, new(1, 0))))];
        squares = new double[homes.Length];
        count = homes.Sum(home => home.Count);
        foreach (ParameterHome<T> home in homes)
        {
            home.Put(weights);
            if (Array.IndexOf(order, home.Block.Formula) >= 0)
                placeOf.Add(home.Block.Formula, home.Block.Offset);
        }
        weights.CopyTo(averages, 0);
        Refresh();
    }

    /// <summary>All weights, where the program reads them.</summary>
    public T* Weights => Pinned.Pointer(weights);

    /// <summary>Makes room for so many gradients; only the first time does it allocate.</summary>
    public void MakeRoom(int count)
    {
        for (int share = 0; share < count; share++)
            if (gradients[share].Length == 0)
                gradients[share] = New();
    }

    /// <summary>A share's gradient, all zeros.</summary>
    public T* Cleared(int share)
    {
        Array.Clear(gradients[share]);
        return Pinned.Pointer(gradients[share]);
    }

    /// <summary>The gradients of so many shares as one, in the first one's place; returns the square of its length.</summary>
    public double AddUp(int count)
    {
        shares = count;
        foreach (Formula formula in order)
            Array.Clear(formula.Gradient);
        // The constant part of the log-determinant belongs to every row: the weights of all rows make -1.
        foreach (Formula start in starts)
            start.Gradient[0] -= 1;
        foreach (WeightBlock block in computed)
        {
            T* sum = Pinned.Pointer(gradients[0]) + block.Offset;
            for (int share = 1; share < shares; share++)
                Run.Add(Pinned.Pointer(gradients[share]) + block.Offset, sum, block.Entries.Length);
            for (int i = 0; i < block.Entries.Length; i++)
                if (block.Entries[i] >= 0)
                    block.Formula.Gradient[block.Entries[i]] += double.CreateTruncating(sum[i]);
        }
        for (int i = order.Length - 1; i >= 0; i--)
            order[i].Back();
        workers.Run(homes.Length, addUp, IsSmall);
        double total = 0;
        foreach (double each in squares)
            total += each;
        return total;
    }

    /// <summary>One step of AdamW along the gradient that was added up.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="shorten">What the gradient is multiplied by.</param>
    public void Step(double rate, double shorten)
    {
        adam = new AdamStep(rate, adam.Number + 1, shorten);
        workers.Run(homes.Length, update, IsSmall);
        Refresh();
    }

    /// <summary>The gradient that was added up, of the mean log density, by each parameter.</summary>
    public void ReadGradients(Dictionary<string, double[]> ofParameters)
    {
        foreach (ParameterHome<T> home in homes)
            ofParameters[home.Block.Formula.Name!] = home.Read(gradients[0], -1);
    }

    /// <summary>Brings the parameters' formulas up to date.</summary>
    public void ReadWeights()
    {
        foreach (ParameterHome<T> home in homes)
            home.Take(weights);
    }

    public void Keep() => weights.CopyTo(kept, 0);

    public void Restore()
    {
        kept.CopyTo(weights, 0);
        Refresh();
    }

    /// <summary>Lets the parameters and their running means change places; what follows from the parameters is brought up to date.</summary>
    public void Swap()
    {
        foreach (ParameterHome<T> home in homes)
            home.Swap(weights, averages);
        Refresh();
    }

    private bool IsSmall => count < (shares == 1 ? FewWithOneShare : FewWeights);

    private T[] New() => GC.AllocateArray<T>(weights.Length, pinned: true);

    private void AddUp(int index, int thread)
    {
        ParameterHome<T> home = homes[index];
        if (!placeOf.ContainsKey(home.Block.Formula))
        {
            squares[index] = home.AddUp(gradients, shares);
            return;
        }
        T* own = Pinned.Pointer(gradients[0]) + home.Block.Offset;
        for (int i = 0; i < home.Count; i++)
            own[i] = T.CreateTruncating(home.Block.Formula.Gradient[i]);
        squares[index] = home.AddUp(gradients, 1);
    }

    private void Update(int index, int thread) => homes[index].Update(adam, weights, averages, mean, square, gradients[0]);

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
        workers.Run(program.Steps.Count, refresh, IsSmall);
    }

    private void Refresh(int step, int thread) => program.Refresh(step, new Tile<T>(null, 0, 0, Weights));
}
