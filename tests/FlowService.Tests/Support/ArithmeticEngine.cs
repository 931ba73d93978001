using FlowCore;
using FlowCore.Bijections;
using FlowCore.Engines;

namespace FlowService.Tests.Support;

/// <summary>
/// An engine whose every output tells which row it belongs to: z = 2 x + sum of the context, exactly. It makes a mixed-up row
/// visible to the bit.
/// </summary>
internal sealed class ArithmeticEngine(int width, ContextSpec? context = null) : FlowEngine<float>(new FlowSpec
{
    Name = "arithmetic",
    EventShape = [width],
    Context = context,
    Bijections = [new PermutationSpec { Order = FeatureOrder.Reverse }],
})
{
    public override string Name => "arithmetic";

    public override string Device => "cpu";

    public override int NoiseWidth => Width;

    public static float Map(float value, float context) => 2 * value + context;

    public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> context, Span<float> z, Span<float> logDet, Span<float> logProb) =>
        Apply(x, context, z, logDet, logProb);

    public override void Inverse(ReadOnlySpan<float> z, ReadOnlySpan<float> context, Span<float> x, Span<float> logDet, Span<float> logProb) =>
        Apply(z, context, x, logDet, logProb);

    public override void Latents(
        ReadOnlySpan<float> noise, ReadOnlySpan<float> context, ReadOnlySpan<float> temperature, Span<float> z, Span<float> logBase)
    {
        for (int row = 0; row < temperature.Length; row++)
            for (int i = row * Width; i < (row + 1) * Width; i++)
                z[i] = noise[i] * temperature[row];
        temperature.CopyTo(logBase);
    }

    private void Apply(ReadOnlySpan<float> input, ReadOnlySpan<float> context, Span<float> output, Span<float> logDet, Span<float> logProb)
    {
        int rows = Rows(input, context, output.Length, logDet.Length, logProb.Length);
        for (int row = 0; row < rows; row++)
        {
            float condition = 0;
            foreach (float value in context.Slice(row * ContextWidth, ContextWidth))
                condition += value;
            for (int i = row * Width; i < (row + 1) * Width && !output.IsEmpty; i++)
                output[i] = Map(input[i], condition);
            logDet[row] = input[row * Width];
            logProb[row] = -input[row * Width];
        }
    }
}
