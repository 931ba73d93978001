using FlowCore.Bijections;

namespace FlowCore.Interop;

/// <summary>normflows' invertible matrices: on features (InvertibleAffine) and on channels (Invertible1x1Conv).</summary>
internal static class NormflowsMatrix
{
    /// <summary>z[j] = x[order[j]] on the channels of an image.</summary>
    public static Part<BijectionSpec> Permutation(int[] order)
    {
        var matrix = new float[order.Length * order.Length];
        for (int j = 0; j < order.Length; j++)
            matrix[j * order.Length + order[j]] = 1;
        return Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", TensorSurgery.Floats(matrix, order.Length, order.Length)));
    }

    public static Part<BijectionSpec> Of(bool useLu, ForeignWeights source, string prefix, int size, bool fromRight)
    {
        if (!useLu)
            return Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain, FromRight = fromRight },
                ("weight", source.Take($"{prefix}.W").Reshape(size, size)));
        source.Drop($"{prefix}.eye");
        return Part.Of<BijectionSpec>(new MatrixSpec { FromRight = fromRight },
            ("permutation", source.Take($"{prefix}.P", size, size)), ("lower", source.Take($"{prefix}.L", size, size)),
            ("upper", source.Take($"{prefix}.U", size, size)), ("log_diagonal", source.Take($"{prefix}.log_S", size)),
            ("sign", source.Take($"{prefix}.sign_S", size)));
    }
}
