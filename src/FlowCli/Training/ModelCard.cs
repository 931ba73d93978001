using System.Globalization;
using System.Text;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What a model card is written from.</summary>
internal sealed record CardFacts(
    TrainingRequest Request, TrainingPlan Plan, DataSplit Split, TrainedFlow Trained, Evaluation Evaluation, FlowSpec Spec)
{
    /// <summary>What ordinary rows look like to it.</summary>
    public required CalibrationSet Calibration { get; init; }

    /// <summary>What its samples are like, of a super-resolution flow.</summary>
    public Enlargement? Enlargement { get; init; }
}

/// <summary>The README.md of a checkpoint: what the model is, where it came from, and how far to trust it.</summary>
internal static class ModelCard
{
    private const int WorstRows = 5;

    public static string Write(CardFacts facts)
    {
        var (request, data, split, evaluation) = (facts.Request, facts.Plan.Data, facts.Split, facts.Evaluation);
        int width = facts.Spec.FreeWidth;
        var card = new StringBuilder();
        card.AppendLine(CultureInfo.InvariantCulture, $"# {facts.Spec.Name}").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture,
            $"A normalizing flow (`{facts.Trained.Preset ?? request.Preset}`, {facts.Spec.Bijections.Length} bijections) over {Datum(facts.Plan)}. It gives the exact "
            + $"log density of a row, in nats and in the data's own units, and draws new rows.").AppendLine();
        card.AppendLine("## Held-out log-likelihood").AppendLine();
        card.AppendLine("| | mean, nats | median, nats | mean, bits/dim | worst row |").AppendLine("|---|---:|---:|---:|---:|");
        Row(card, "this flow", evaluation.LogProb, width);
        Row(card, Yardstick(facts.Spec), evaluation.GaussianLogProb, width);
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"On {split.Test.Rows} test rows that training never saw; both models learned from the same {split.Train.Rows} rows{(facts.Trained.Refitted ? ", the flow in the end from the validation rows too" : "")}. "
            + $"Log densities of different data or units do not compare. "
            + $"Round trip: {evaluation.RoundTrip32:E1} standard deviations in float32, {evaluation.RoundTrip64:E1} in float64.");
        foreach (string warning in FitWarnings.Of(facts.Trained).Concat(FitWarnings.Of(evaluation, facts.Spec)))
            card.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"**Warning**: {warning}.");
        if (facts.Spec.Context is not null)
            card.AppendLine().AppendLine("The yardstick is the joint Gaussian of context and row divided by the context's own: a linear regression on the context (a class being one-hot), whose residuals have one full covariance.");
        if (facts.Enlargement is { } enlargement)
            EnlargementCard.Write(card, facts, enlargement);
        else if (facts.Plan.Pixels is { } pixels)
            Pixels(card, pixels, evaluation, width);
        if (evaluation.GaussianShrinkage > 0)
            card.AppendLine(CultureInfo.InvariantCulture, $"The rows are few for so many columns: the Gaussian's correlations were drawn towards 0 by {evaluation.GaussianShrinkage:P0} (Ledoit, Wolf 2004).");
        if (evaluation.GaussianRidge > 0)
            card.AppendLine(CultureInfo.InvariantCulture, $"The Gaussian's correlation matrix is singular: {evaluation.GaussianRidge:E0} was added to its diagonal.");
        Tried(card, facts.Trained);
        Worst(card, data, split, evaluation);
        if (facts.Plan.Pixels is null)
            ColumnsCard.Write(card, facts);
        Origin(card, facts);
        Use(card, facts);
        return card.ToString();
    }

    /// <summary>What one row is.</summary>
    public static string Datum(TrainingPlan plan)
    {
        FlowSpec spec = plan.Spec;
        string what = plan.Pixels is null ? $"{spec.Width} {(spec.Width == 1 ? "feature" : "features")}" : $"images of shape [{string.Join(", ", spec.EventShape)}]";
        return spec.Context switch
        {
            null => what,
            { Categories: { } categories } => $"{what} and {string.Join(", ", categories.Columns)} (categories)",
            { BlockMeans: { } side, Shape: { } small } => $"{what} given the same {side} times smaller, [{string.Join(", ", small)}]",
            { Classes: { } classes } => $"{what} given one of {classes} classes",
            { Features: { } features } => $"{what} given {string.Join(", ", features)}",
            _ => $"{what} given an image",
        };
    }

    /// <summary>What a flow must beat.</summary>
    public static string Yardstick(FlowSpec spec) => spec.Context is null ? "full-covariance Gaussian" : "linear Gaussian regression";

    private static void Pixels(StringBuilder card, PixelValues pixels, Evaluation evaluation, int width)
    {
        double shift = width * Math.Log(pixels.High - pixels.Low);
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"A datum is the image in its own pixel values, in [{pixels.Low}, {pixels.High}]{(pixels.Step > 0 ? $": integer values, spread by uniform noise over cells of {pixels.Step}, the test images' too, so that bits/dim bounds the cost of the discrete image from above" : "")}. Scaled to [0, 1], x = (value {(pixels.Low > 0 ? "-" : "+")} {Math.Abs(pixels.Low)}) / {pixels.High - pixels.Low}, the mean test log-likelihood is {evaluation.Mean + shift:F3} nats (+ {width} ln {pixels.High - pixels.Low}).");
    }

    private static void Row(StringBuilder card, string name, double[] logProb, int width) => card.AppendLine(CultureInfo.InvariantCulture,
        $"| {name} | {logProb.Average():F3} | {Median.Of(logProb):F3} | {Evaluation.BitsPerDimension(logProb.Average(), width):F3} | {logProb.Min():F3} |");

    // What --flow auto had to choose from.
    private static void Tried(StringBuilder card, TrainedFlow trained)
    {
        if (trained.Tried.Count < 2)
            return;
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"Chosen among {trained.Tried.Count} by the validation rows (the mean of ln(0.99 p + 0.01 q), with q a Cauchy density: one outlying row does not decide):").AppendLine();
        card.AppendLine("| flow | validation, nats | steps |").AppendLine("|---|---:|---:|");
        foreach (TriedFlow each in trained.Tried)
            card.AppendLine(CultureInfo.InvariantCulture, $"| {each.Preset}{(each.Preset == trained.Preset ? " (chosen)" : each.Unstable is null ? "" : " (unstable in float32)")} | {each.Score:F3} | {each.Steps} |");
    }

    private static void Worst(StringBuilder card, TrainingData data, DataSplit split, Evaluation evaluation)
    {
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"The least likely test rows, by {data.PositionName} of the file:").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture, $"| {data.PositionName} | this flow, nats | Gaussian, nats |").AppendLine("|---:|---:|---:|");
        foreach (int i in Enumerable.Range(0, split.Test.Rows).OrderBy(i => evaluation.LogProb[i]).Take(WorstRows))
            card.AppendLine(CultureInfo.InvariantCulture,
                $"| {data.Positions[split.TestRows[i]]} | {evaluation.LogProb[i]:F3} | {evaluation.GaussianLogProb[i]:F3} |");
    }

    private static void Origin(StringBuilder card, CardFacts facts)
    {
        var (request, data) = (facts.Request, facts.Plan.Data);
        card.AppendLine().AppendLine("## Data").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture, $"- File: `{Path.GetFileName(data.File)}`, sha256 `{data.Sha256}`");
        if (request.Origin is not null)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Origin: {request.Origin}");
        card.AppendLine(CultureInfo.InvariantCulture, $"- Rows: {facts.Split.Train.Rows} to train, {facts.Split.Validation.Rows} to validate, {facts.Split.Test.Rows} to test, split by seed {request.Options.Seed}");
        if (request.Label is not null)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Left out: {data.LeftOut} rows whose `{request.Label}` is not 0; that column is not a feature");
        if (data.Table.Names is { } names)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Features, in order: {string.Join(", ", names.Select(name => $"`{name}`"))}");
        if (data.Context?.Features is { } conditions)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Context, in order: {string.Join(", ", conditions.Select(name => $"`{name}`"))}{(data.Context.Classes is { } count ? $", a class in 0..{count - 1}" : "")}; not features");
        if (data.Context?.Categories is { } categories)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Categories: {string.Join(", ", categories.Columns.Select(name => $"`{name}`"))}, which occur in {categories.Values.Length} combinations. The log density is log p(x | c) + log pi_c, pi_c being the combination's share of the rows, for the yardstick too");
        if (request.Labels is not null)
            card.AppendLine(CultureInfo.InvariantCulture, $"- Context: the class, 0..{data.Context!.Classes - 1}, of `{Path.GetFileName(request.Labels)}`, sha256 `{TrainingData.Sha256Of(request.Labels)}`");
        foreach (string warning in facts.Plan.Warnings)
            card.AppendLine(CultureInfo.InvariantCulture, $"- **Warning**: {warning}");
    }

    private static void Use(StringBuilder card, CardFacts facts)
    {
        card.AppendLine().AppendLine("## Training").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture, $"```\n{facts.Request.Command}\n```").AppendLine();
        string ended = TrainingSummary.Ended(facts.Trained);
        card.AppendLine(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(ended[0])}{ended[1..]}.{(facts.Trained.Refitted ? " Then it was trained as long on the validation rows too." : "")}").AppendLine();
        card.AppendLine("## Intended use").AppendLine();
        card.AppendLine($"{(facts.Plan.Pixels is null ? "Rows with the same columns, in the same units" : "Images of the same size, with the same pixel values")}, from the same source: scoring how usual a row is, drawing rows, and working in the latent space. A log density ranks rows; it is neither the probability of an event nor a diagnosis. Rows far from the training data get low densities whose exact value means little.");
    }
}
