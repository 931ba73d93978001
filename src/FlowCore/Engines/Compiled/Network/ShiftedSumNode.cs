using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>The second half of a convolution of few outputs: the sum of its taps, each of which was computed at a pixel beside.</summary>
internal sealed class ShiftedSumNode : Node
{
    /// <summary>At every pixel, tap by tap, what the outputs take from it.</summary>
    public required LinearNode Input { get; init; }

    public required Formula Bias { get; set; }

    public required Kernel Kernel { get; init; }

    public int Taps => Kernel.Height * Kernel.Width;

    /// <summary>Folds a diagonal affine map of the outputs into the weights.</summary>
    public void Scale(AffineMap map)
    {
        int[] outputs = NetworkCompiler.OrderOf(this);
        int inputs = Input.Index.Length;
        Input.Matrix *= map.Diagonal!.Pick([.. Enumerable.Range(0, Input.Matrix.Count).Select(i => outputs[i / inputs % Units])]);
        Bias = (Bias - map.Before) * map.Diagonal! + map.After;
    }

    /// <summary>The pixel that a tap of a pixel is read from; null where that lies outside the image.</summary>
    public int? Source(int pixel, int tap)
    {
        int y = pixel / Image.Width + tap / Kernel.Width - Kernel.Height / 2, x = pixel % Image.Width + tap % Kernel.Width * Kernel.Dilation - Kernel.Beside;
        return y >= 0 && y < Image.Height && x >= 0 && x < Image.Width ? y * Image.Width + x : null;
    }

    public override IEnumerable<Operation> All() => [new ShiftedSumOperation(this)];

    protected override IEnumerable<Operation> Of(int[] units) => All();
}
