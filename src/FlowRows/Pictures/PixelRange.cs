using FlowCore;
using FlowCore.Bijections;

namespace FlowRows.Pictures;

/// <summary>The values that are shown as black and as full brightness.</summary>
internal readonly record struct PixelRange(double Low, double High)
{
    /// <summary>
    /// The range of a model's data, as far as its description tells: it names it, or begins with a logit, which bounds its data; and
    /// any other image flow is taken to have data in [0, 1], as a flow has that begins by moving them by -1/2. Dequantisation
    /// changes no value. A model trained on another range does not say so: whoever draws names the range.
    /// </summary>
    public static PixelRange Of(FlowSpec spec) =>
        spec.Pixels is { } pixels ? new(pixels.Low + pixels.Step / 2, pixels.High - pixels.Step / 2) :
        spec.Bijections.FirstOrDefault(step => step is not DequantizeSpec) is LogitSpec logit ? new(logit.Lower, logit.Upper) : new(0, 1);

    /// <summary>The value of a brightness 0..255.</summary>
    public double Value(byte brightness) => Low + (High - Low) * brightness / 255;

    /// <summary>The brightness 0..255 of a finite value; what lies outside the range is drawn as its nearer end.</summary>
    public byte Brightness(float value) => (byte)Math.Round(255 * Math.Clamp((value - Low) / (High - Low), 0, 1));
}
