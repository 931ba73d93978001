using System.Diagnostics.Metrics;
using FlowCore.Drift;
using FlowRows.Tables;
using FlowService.Models;
using FlowService.Telemetry;

namespace FlowService.Drift;

/// <summary>
/// Drift as the monitoring sees it. Columns are a label where a model has few of them; of wider ones there is the number of columns that
/// have changed.
/// </summary>
internal sealed class DriftMetrics
{
    private const int MostColumns = 64;

    private static readonly double[] PValueBuckets = [0.01, 0.05, .. Enumerable.Range(1, 10).Select(i => i / 10.0)];

    private readonly ModelRegistry registry;
    private readonly Histogram<double> pValues;
    private readonly Counter<long> oddRows;

    public DriftMetrics(IMeterFactory factory, ModelRegistry registry)
    {
        this.registry = registry;
        Meter meter = factory.Create(FlowMetrics.MeterName);
        pValues = meter.CreateHistogram("flowservice.p_value", description: "p-values of sampled rows, by their log density: a tenth lies in each tenth where nothing has changed.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = PValueBuckets });
        oddRows = meter.CreateCounter<long>("flowservice.rows.odd", "{row}",
            "Rows that were scored, or left out of an answer, and were not as rows should be, by reason (non_finite, missing, unseen_category, unreadable).");
        ColumnGauge(meter, "flowservice.drift.psi", "The population stability index of a column of the last rows against the calibration rows.", column => column.Psi);
        ColumnGauge(meter, "flowservice.drift.psi.limit", "What the index of an unchanged column hardly ever exceeds.", column => column.Limit);
        ColumnGauge(meter, "flowservice.drift.outside", "The share of the last rows whose value lies outside of all calibration rows'.", column => column.Outside);
        Gauge(meter, "flowservice.drift.score.psi", "The index of the log density.", state => state.Score.Psi);
        Gauge(meter, "flowservice.drift.score.psi.limit", "What the index of an unchanged log density hardly ever exceeds.", state => state.Score.Limit);
        Gauge(meter, "flowservice.drift.evidence", "Of the conformal test martingale: decimal logarithm, 6 is reached once in a million unchanged rows.", state => state.Log10Evidence);
        Gauge(meter, "flowservice.drift.rows", "The last rows by which drift is judged.", state => state.Rows);
        Gauge(meter, "flowservice.drift.out_of_range", "The share of the last rows with a value outside of those that the model was trained with.", state => state.OutOfRange ?? 0);
        meter.CreateObservableGauge("flowservice.drift.alarms", Alarms, "{alarm}", "What has changed, by kind (column, score, martingale).");
    }

    /// <summary>Counts rows, and adds some of them to the model's window.</summary>
    /// <param name="model">The model that scored them.</param>
    /// <param name="x">The rows, flat.</param>
    /// <param name="logProb">Their log densities.</param>
    /// <param name="block">What is known of them beside their values.</param>
    public void Observe(ServedModel model, ReadOnlySpan<float> x, ReadOnlySpan<float> logProb, RowBlock<float>? block = null)
    {
        int unseen = block?.Errors?.Unseen ?? 0;
        Count(model, (block?.Errors?.Count ?? 0) - unseen, "unreadable");
        Count(model, unseen, "unseen_category");
        Count(model, block?.Missing?.Rows.Length ?? 0, "missing");
        int nonFinite = 0;
        foreach (float value in logProb)
            nonFinite += float.IsFinite(value) ? 0 : 1;
        Count(model, nonFinite, "non_finite");
        if (model.Drift is not { } drift || logProb.Length == 0)
            return;
        Span<double> added = stackalloc double[DriftMonitor.MostRows];
        foreach (double p in added[..drift.Add(x, logProb, block?.Blanks, block?.Missing, added)])
            pValues.Record(p, model.ModelLabel, model.VersionLabel);
    }

    private void Count(ServedModel model, int rows, string reason)
    {
        if (rows > 0)
            oddRows.Add(rows, model.ModelLabel, model.VersionLabel, new("reason", reason));
    }

    private void Gauge(Meter meter, string name, string description, Func<DriftState, double> value) => meter.CreateObservableGauge(name,
        () => Watched().Select(each => new Measurement<double>(value(each.State), each.Model.ModelLabel, each.Model.VersionLabel)), description: description);

    private void ColumnGauge(Meter meter, string name, string description, Func<ColumnDrift, double> value) =>
        meter.CreateObservableGauge(name, () => Watched().Where(each => each.Model.Width <= MostColumns).SelectMany(each => each.State.Columns.Select((column, at) =>
            new Measurement<double>(value(column), each.Model.ModelLabel, each.Model.VersionLabel, new("column", RowNames.Data(each.Model.Spec)[at])))), description: description);

    private IEnumerable<Measurement<int>> Alarms() => Watched().SelectMany(each => new (string Kind, int Count)[]
    {
        ("column", each.State.Columns.Count(column => column.IsAlarm)), ("score", each.State.Score.IsAlarm ? 1 : 0), ("martingale", each.State.MartingaleAlarm ? 1 : 0),
    }.Select(alarm => new Measurement<int>(alarm.Count, each.Model.ModelLabel, each.Model.VersionLabel, new("kind", alarm.Kind))));

    private IEnumerable<(ServedModel Model, DriftState State)> Watched() =>
        registry.Served.Where(model => model.Drift is not null).Select(model => (model, model.Drift!.State()));
}
