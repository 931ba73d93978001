using FlowCore.Bijections;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>nflows' linear layers: each becomes its factors, one after the other, and the bias that comes last.</summary>
internal static class NflowsLinear
{
    public static Part<BijectionSpec>[] Of(DescribedNode node, ForeignWeights source, int features)
    {
        string prefix = node["prefix"].Text;
        return node["type"].Text switch
        {
            "lu_linear" => [LuFactors.Of(source, prefix, features, node.Optional("eps")?.Number ?? 1e-3)],
            "naive_linear" => [Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", source.Take($"{prefix}._weight", features, features))), Bias(source, prefix, features)],
            "qr_linear" => [Triangle(source, prefix, features), Reflections(source, $"{prefix}.orthogonal", features), Bias(source, prefix, features)],
            "svd_linear" =>
            [
                Reflections(source, $"{prefix}.orthogonal_2", features), Diagonal(source, prefix, features, node.Optional("eps")?.Number ?? 1e-3),
                Reflections(source, $"{prefix}.orthogonal_1", features), Bias(source, prefix, features),
            ],
            _ => [Reflections(source, prefix, features)],
        };
    }

    private static Part<BijectionSpec> Reflections(ForeignWeights source, string prefix, int features)
    {
        WeightTensor vectors = source.Take($"{prefix}.q_vectors");
        return Part.Of<BijectionSpec>(new HouseholderSpec { Reflections = (int)vectors.Shape[0] }, ("vectors", vectors.Reshape(vectors.Shape[0], features)));
    }

    // Upper triangular, its diagonal e^log_upper_diag.
    private static Part<BijectionSpec> Triangle(ForeignWeights source, string prefix, int features) => Part.Of<BijectionSpec>(new MatrixSpec(),
        ("permutation", Identity(features)), ("lower", Zeros(features, features)), ("sign", TensorSurgery.Floats([1], 1).Broadcast(features)),
        ("upper", source.Take($"{prefix}.upper_entries", features * (features - 1L) / 2).Triangle(features, lower: false)),
        ("log_diagonal", source.Take($"{prefix}.log_upper_diag", features)));

    // softplus(raw) + eps on the diagonal, nothing beside it.
    private static Part<BijectionSpec> Diagonal(ForeignWeights source, string prefix, int features, double eps) => Part.Of<BijectionSpec>(new LinearSpec { LeastPivot = eps },
        ("lower", Zeros(features, features)), ("upper", Zeros(features, features)), ("bias", Zeros(features)),
        ("diagonal", source.Take($"{prefix}.unconstrained_diagonal", features)));

    private static Part<BijectionSpec> Bias(ForeignWeights source, string prefix, int features) => Part.Of<BijectionSpec>(new ScaleShiftSpec(),
        ("scale", TensorSurgery.Floats([1], 1).Broadcast(features)), ("shift", source.Take($"{prefix}.bias", features)));

    private static WeightTensor Zeros(params long[] shape) => TensorSurgery.Floats(new float[shape.Aggregate(1L, (product, size) => product * size)], shape);

    private static WeightTensor Identity(int size)
    {
        var values = new float[size * size];
        for (int i = 0; i < size; i++)
            values[i * (size + 1)] = 1;
        return TensorSurgery.Floats(values, size, size);
    }
}
