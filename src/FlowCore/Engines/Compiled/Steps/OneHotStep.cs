using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A class as a row with a 1 at its place.</summary>
internal sealed class OneHotOperation(Region input, Region output, int classes) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> to) => new OneHotStep<T>(input, output, classes);

    public override void Emit(KernelText text) =>
        text.Line($"PHASE EACH({classes}) tile.at({output.Offset} + VALUE, ROW) = (int)tile.at({input.Offset}, ROW) % {classes} == VALUE;");
}

internal sealed unsafe class OneHotStep<T>(Region input, Region output, int classes) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(classes > 0 && classes <= output.Width && input.Width == 1, "A class has its place.");
        for (int row = 0; row < tile.Rows; row++)
        {
            T* to = tile.At(output) + row * output.Width;
            new Span<T>(to, output.Width).Clear();
            to[int.CreateTruncating(tile.At(input)[row * input.Width]) % classes] = T.One;
        }
    }
}
