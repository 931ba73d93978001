namespace FlowService.Client;

/// <summary>Scores, an entry for each row. A number that is not finite, or of a row that could not be read, is null.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="LogProb">Log densities in nats.</param>
/// <param name="PValue">The share of calibration rows at least as strange.</param>
/// <param name="QValue">The p-values adjusted for the number of rows, where asked for.</param>
/// <param name="Severity">From 0 for ordinary rows to 1: min(1, -log10(p) / 4).</param>
/// <param name="Anomaly">Whether the p-value is at most alpha.</param>
/// <param name="Attribution">The features that make an anomaly strange, the weightiest first; null of other rows.</param>
/// <param name="NMissing">How many values a row lacks, where that was allowed.</param>
/// <param name="PMin">The least p-value that the calibration can give.</param>
/// <param name="CalibrationRows">The number of rows that p-values rest on.</param>
/// <param name="Warnings">What the calibration is too small for.</param>
/// <param name="Error">Why a row could not be read.</param>
public sealed record ScoreAnswer(
    string Model, int Version, float?[] LogProb, float?[] PValue, float?[]? QValue, float?[] Severity, bool?[] Anomaly, Reason[]?[]? Attribution, int?[]? NMissing,
    float PMin, int CalibrationRows, string[]? Warnings, string?[]? Error);

/// <summary>A feature that makes a row strange.</summary>
/// <param name="Feature">Its name.</param>
/// <param name="Value">What it is in the row.</param>
/// <param name="Nats">How far the log density rises where an ordinary value stands in its place; null where that is beyond measure.</param>
/// <param name="Expected">A value that goes with the rest of the row.</param>
public sealed record Reason(string Feature, float Value, float? Nats, float Expected);

/// <summary>Rows that were drawn.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Seed">Send it to get the same rows again.</param>
/// <param name="Samples">The rows.</param>
/// <param name="LogProb">The model's log density of each.</param>
/// <param name="LogQ">The log density that each was really drawn from.</param>
public sealed record SampleAnswer(string Model, int Version, ulong Seed, float?[][] Samples, float?[] LogProb, float?[] LogQ);

/// <summary>Log densities, an entry for each row. A number that is not finite is null.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="LogProb">In nats.</param>
public sealed record LogProbAnswer(string Model, int Version, float?[] LogProb);

/// <summary>Latents of rows.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Z">The latents.</param>
/// <param name="LogDet">log|det dz/dx| of each row.</param>
public sealed record EncodeAnswer(string Model, int Version, float?[][] Z, float?[] LogDet);

/// <summary>Rows of latents.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="X">The rows.</param>
/// <param name="LogDet">log|det dx/dz| of each row.</param>
public sealed record DecodeAnswer(string Model, int Version, float?[][] X, float?[] LogDet);
