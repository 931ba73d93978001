using FlowCore;
using FlowRows.Tables;
using FlowService.Models;
using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Faces;

/// <summary>What a served flow is to the protocol under one of its three names: the one description behind REST and gRPC.</summary>
internal sealed class ModelFace
{
    public const string X = "x", Z = "z", Context = "context", NumSamples = "num_samples", Seed = "seed", Temperature = "temperature", Offset = "offset";
    public const string LogProb = "log_prob", LogDet = "log_det", LogQ = "log_q", Samples = "samples", Size = RowNames.Size;

    public ModelFace(ServedModel model, FaceKind kind)
    {
        (Model, Kind, Name) = (model, kind, kind.NameOf(model.Name));
        Inputs = kind switch
        {
            FaceKind.Score => [Rows(X), .. ContextOf(model.Spec, X)],
            FaceKind.Decode => [Rows(Z), .. ContextOf(model.Spec, Z)],
            _ => [
                Number(NumSamples, Datatype.Int64, Datatype.Integers), .. ContextOf(model.Spec, Samples),
                Number(Seed, Datatype.Int64, Datatype.Integers) with { IsOptional = true },
                Number(Temperature, Datatype.Fp32, [Datatype.Fp32, Datatype.Fp64]) with { IsOptional = true },
                Number(Offset, Datatype.Int64, Datatype.Integers) with { IsOptional = true },
                .. model.Sizes is null ? (TensorSpec[])[] : [new(Size, Datatype.Int64, 2) { Accepted = Datatype.Integers, IsOptional = true }],
            ],
        };
        Outputs = kind switch
        {
            FaceKind.Score => [PerRow(LogProb), Rows(Z), PerRow(LogDet)],
            FaceKind.Decode => [Rows(X), PerRow(LogDet)],
            _ => [Rows(Samples), PerRow(LogProb), PerRow(LogQ)],
        };
    }

    public ServedModel Model { get; }

    public FaceKind Kind { get; }

    /// <summary>The name of the face: NAME, NAME.sample or NAME.decode.</summary>
    public string Name { get; }

    public TensorSpec[] Inputs { get; }

    public TensorSpec[] Outputs { get; }

    /// <summary>The output that is what the rows are mapped to, beside their densities.</summary>
    public string Mapped => Kind switch { FaceKind.Score => Z, FaceKind.Decode => X, _ => Samples };

    /// <summary>Whether the first dimension of every tensor counts rows. That of num_samples does not.</summary>
    public bool IsBatched => Kind != FaceKind.Sample;

    private TensorSpec Rows(string name) => new(name, Datatype.Fp32, -1, Model.Width)
    {
        Accepted = Datatype.Floats,
        EventShape = Model.Spec.EventShape is { Length: > 1 } shape ? [-1, .. shape] : null,
    };

    private static TensorSpec PerRow(string name) => new(name, Datatype.Fp32, -1);

    private static TensorSpec Number(string name, Datatype datatype, Datatype[] accepted) => new(name, datatype, 1) { Accepted = accepted };

    private static TensorSpec[] ContextOf(FlowSpec spec, string rows) => spec.Context switch
    {
        null => [],
        { Classes: not null } => [new(Context, Datatype.Int64, -1, 1) { Accepted = Datatype.Classes }],
        var context =>
        [
            new(Context, Datatype.Fp32, -1, context.Width)
            {
                Accepted = Datatype.Floats,
                IsOptional = DerivedContext.Of(spec, rows) is not null,
                EventShape = context.Shape is { } shape ? [-1, .. shape] : null,
            },
        ],
    };
}
