using FlowCore.Bijections.Elements;
using static TorchSharp.torch;

namespace FlowCore.Training.Mixtures;

/// <summary>Rows whose columns' tails and skew have been taken in, in float64, and what their log densities lose by that.</summary>
internal sealed class FrontedRows
{
    private readonly double[]? parameters, logDerivatives;

    private FrontedRows(Table rows, double[]? parameters, double[]? logDerivatives) =>
        (Rows, this.parameters, this.logDerivatives) = (rows, parameters, logDerivatives);

    /// <summary>The rows behind the front.</summary>
    public Table Rows { get; }

    /// <summary>Rows without a front.</summary>
    public static FrontedRows AsTheyAre(Table rows) => new(rows, null, null);

    /// <summary>Rows behind the front that is fitted to them, as a flow's own is where its training starts.</summary>
    public static FrontedRows Fitted(Table rows)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using var element = new ArcsinhElement();
        return Behind(element.Fit(tensor(rows.Values.ToArray()).reshape(rows.Rows, rows.Width)).data<double>().ToArray(), rows);
    }

    /// <summary>Other rows behind the same front.</summary>
    public FrontedRows Alike(Table rows) => parameters is null ? AsTheyAre(rows) : Behind(parameters, rows);

    /// <summary>Log densities of the rows, in units of what stands before the front, given those of what stands behind it.</summary>
    public double[] InUnits(double[] logProb)
    {
        if (logDerivatives is not null)
            for (int row = 0; row < logProb.Length; row++)
                logProb[row] += logDerivatives[row];
        return logProb;
    }

    private static FrontedRows Behind(double[] parameters, Table rows)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using var element = new ArcsinhElement();
        ElementMapped mapped = element.Forward(tensor(rows.Values.ToArray()).reshape(rows.Rows, rows.Width), tensor(parameters).reshape(rows.Width, -1));
        return new(
            new Table(mapped.Values.contiguous().data<double>().ToArray(), rows.Width), parameters,
            mapped.LogDerivative.sum(-1).contiguous().data<double>().ToArray());
    }
}
