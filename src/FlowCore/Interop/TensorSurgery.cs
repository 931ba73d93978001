using System.Runtime.InteropServices;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>Moves the values of foreign tensors to where this library keeps them: never an arithmetic operation, never a rounding.</summary>
internal static class TensorSurgery
{
    public static WeightTensor Reshape(this WeightTensor tensor, params long[] shape) =>
        shape.Aggregate(1L, (product, size) => product * size) == tensor.Count()
            ? tensor with { Shape = shape }
            : throw new WrongShapeException($"is {tensor.Describe()}, model.json needs [{string.Join(", ", shape)}]");

    public static long Count(this WeightTensor tensor) => tensor.Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Slices of the first axis, in this order.</summary>
    public static WeightTensor Rows(this WeightTensor tensor, IReadOnlyList<int> order)
    {
        int rows = (int)tensor.Shape[0], stride = rows == 0 ? 0 : tensor.Data.Length / rows;
        var data = new byte[order.Count * stride];
        for (int i = 0; i < order.Count; i++)
            tensor.Data.Span.Slice(order[i] * stride, stride).CopyTo(data.AsSpan(i * stride));
        return tensor with { Shape = [order.Count, .. tensor.Shape[1..]], Data = data };
    }

    /// <summary>Columns of a matrix, or slices of the second axis, in this order.</summary>
    public static WeightTensor Columns(this WeightTensor tensor, IReadOnlyList<int> order) =>
        tensor.Transpose().Rows(order).Transpose();

    /// <summary>The first two axes change places.</summary>
    public static WeightTensor Transpose(this WeightTensor tensor)
    {
        int rows = (int)tensor.Shape[0], columns = (int)tensor.Shape[1];
        int size = tensor.Shape[2..].Aggregate(WeightTensor.SizeOf(tensor.Type), (product, axis) => product * (int)axis);
        var data = new byte[tensor.Data.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                tensor.Data.Span.Slice((i * columns + j) * size, size).CopyTo(data.AsSpan((j * rows + i) * size));
        return tensor with { Shape = [columns, rows, .. tensor.Shape[2..]], Data = data };
    }

    /// <summary>Matrices of equally many rows, side by side.</summary>
    public static WeightTensor SideBySide(params WeightTensor[] tensors) =>
        Stack([.. tensors.Select(tensor => tensor.Reshape(tensor.Shape[0], tensor.Shape[0] == 0 ? 0 : tensor.Count() / tensor.Shape[0]).Transpose())]).Transpose();

    /// <summary>Tensors on top of each other, along the first axis.</summary>
    public static WeightTensor Stack(params WeightTensor[] tensors)
    {
        byte[] data = [.. tensors.SelectMany(tensor => tensor.Data.ToArray())];
        return tensors[0] with { Shape = [tensors.Sum(tensor => tensor.Shape[0]), .. tensors[0].Shape[1..]], Data = data };
    }

    /// <summary>One value, or one for each feature, as one for each feature.</summary>
    public static WeightTensor Broadcast(this WeightTensor tensor, int features) => tensor.Count() == 1
        ? Stack([.. Enumerable.Repeat(tensor.Reshape(1), features)])
        : tensor.Reshape(features);

    /// <summary>Spread over a shape as tensors spread in sums: axes are compared from the last, and one of size 1 is repeated.</summary>
    public static WeightTensor Expand(this WeightTensor tensor, int[] shape)
    {
        long[] own = [.. Enumerable.Repeat(1L, Math.Max(0, shape.Length - tensor.Shape.Length)), .. tensor.Shape];
        int extra = own.Length - shape.Length;
        if (own[..extra].Any(size => size != 1) || own[extra..].Where((size, axis) => size != 1 && size != shape[axis]).Any())
            throw new WrongShapeException($"is {tensor.Describe()}, model.json needs [{string.Join(", ", shape)}]");
        int[] from = [0];
        int stride = 1;
        // From the last axis on: where each value of the inner axes stands, repeated or strided along this one.
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            int step = own[extra + axis] == 1 ? 0 : stride;
            from = [.. Enumerable.Range(0, shape[axis]).SelectMany(i => from.Select(inner => i * step + inner))];
            stride *= (int)own[extra + axis];
        }
        return tensor.Reshape(tensor.Count()).Rows(from).Reshape([.. shape.Select(size => (long)size)]);
    }

    /// <summary>A strict triangle whose entries are listed row by row, in a full matrix.</summary>
    public static WeightTensor Triangle(this WeightTensor entries, int size, bool lower)
    {
        // The entries behind a zero, which fills the other places.
        WeightTensor padded = Stack(entries with { Shape = [1], Data = new byte[WeightTensor.SizeOf(entries.Type)] }, entries);
        var from = new int[size * size];
        int next = 1;
        for (int i = 0; i < size; i++)
            for (int j = lower ? 0 : i + 1; j < (lower ? i : size); j++)
                from[i * size + j] = next++;
        return padded.Rows(from).Reshape(size, size);
    }

    public static WeightTensor Doubles(double[] values, params long[] shape) =>
        new(WeightType.F64, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static WeightTensor Floats(float[] values, params long[] shape) =>
        new(WeightType.F32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>Masks of any type, as float32.</summary>
    public static WeightTensor AsMask(this WeightTensor tensor) => tensor.Type == WeightType.F32
        ? tensor
        : Floats([.. tensor.ToDoubles().Select(value => (float)value)], tensor.Shape);

    /// <summary>Floating-point values as float64, which holds them exactly.</summary>
    public static WeightTensor AsDoubles(this WeightTensor tensor) =>
        new(WeightType.F64, tensor.Shape, MemoryMarshal.AsBytes(tensor.ToDoubles().AsSpan()).ToArray());

    /// <summary>Half precision as float32, which holds it exactly; everything else as it is.</summary>
    public static WeightTensor Widened(this WeightTensor tensor) => tensor.Type is WeightType.F16 or WeightType.BF16
        ? Floats([.. tensor.ToDoubles().Select(value => (float)value)], tensor.Shape)
        : tensor;

    public static int[] ToInts(this WeightTensor tensor) => [.. tensor.ToDoubles().Select(value => (int)value)];
}
