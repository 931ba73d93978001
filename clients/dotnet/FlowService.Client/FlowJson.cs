using System.Text.Json.Serialization;

namespace FlowService.Client;

/// <summary>Bodies and answers as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, Converters = [typeof(RowsWithGaps)])]
[JsonSerializable(typeof(ScoreRequest))]
[JsonSerializable(typeof(SampleRequest))]
[JsonSerializable(typeof(RowsRequest))]
[JsonSerializable(typeof(ScoreAnswer))]
[JsonSerializable(typeof(SampleAnswer))]
[JsonSerializable(typeof(LogProbAnswer))]
[JsonSerializable(typeof(EncodeAnswer))]
[JsonSerializable(typeof(DecodeAnswer))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class FlowJson : JsonSerializerContext;

/// <summary>What stands before the rows says how they are read.</summary>
internal sealed record ScoreRequest(
    string? Model, double Alpha, string[] Include, int? Top, string? Missing, IReadOnlyList<float[]>? Context, IReadOnlyList<float[]> X);

internal sealed record SampleRequest(string? Model, int Count, ulong? Seed, double? Temperature, IReadOnlyList<float[]>? Context, int[]? Size);

internal sealed record RowsRequest(string? Model, IReadOnlyList<float[]>? X, IReadOnlyList<float[]>? Z, IReadOnlyList<float[]>? Context, int[]? Size);

internal sealed record Problem(string? Type, string? Title, string? Detail);
