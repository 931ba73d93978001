using System.Numerics;

namespace FlowCore.Engines;

/// <summary>The contexts of a flow that is conditioned on a class: each must be one of the classes.</summary>
internal static class ClassContext
{
    /// <exception cref="RowException">A value is not a class; the message names the row.</exception>
    public static void Check<T>(ReadOnlySpan<T> context, int classes, string model)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; classes > 0 && i < context.Length; i++)
            if (!(context[i] >= T.Zero && context[i] < T.CreateTruncating(classes) && T.IsInteger(context[i])))
                throw new RowException($"row {i} has the class {context[i]}; model '{model}' has the classes 0..{classes - 1}");
    }
}
