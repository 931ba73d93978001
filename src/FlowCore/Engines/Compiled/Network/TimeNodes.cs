using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

// What layers along time are made of; the sequence is an image one pixel high.
internal sealed partial class NetworkCompiler
{
    /// <summary>A convolution of each unit by itself: weights, and what each tap adds where its frame exists, [units, taps]; null for nothing.</summary>
    public Node Depthwise(Node h, Formula weights, Formula? shifts, Formula bias, int kernel, int dilation)
    {
        h = InColumns(h);
        int stride = Places.PixelStride([h.Units]);
        return Add(new DepthwiseNode
        {
            Region = new Region(stride * h.Pixels.Length),
            Columns = h.Columns,
            Pixels = [.. Enumerable.Range(0, h.Pixels.Length).Select(pixel => pixel * stride)],
            Image = h.Image,
            Input = h,
            Weights = weights,
            Shifts = shifts,
            Bias = bias,
            Kernel = kernel,
            Dilation = dilation,
        });
    }

    /// <summary>tanh(a) sigmoid(b) of a node's two halves, after another node, of as many pixels or of fewer that are repeated, was added.</summary>
    public Node Gated(Node h, Node? added)
    {
        h = InColumns(h);
        int units = h.Units / 2, stride = Places.PixelStride([units]);
        return Add(new GatedNode
        {
            Region = new Region(stride * h.Pixels.Length),
            Columns = [.. Enumerable.Range(0, units)],
            Pixels = [.. Enumerable.Range(0, h.Pixels.Length).Select(pixel => pixel * stride)],
            Image = h.Image,
            Input = h,
            Added = added is null ? null : InColumns(added),
        });
    }

    /// <summary>The same frames, each so many times: a view.</summary>
    public Node RepeatedFrames(Node h, int factor)
    {
        h = h is ParallelNode ? Copied(h) : h;
        h.Shared = true;
        return View(h, h.Columns, [.. Enumerable.Range(0, h.Pixels.Length * factor).Select(pixel => h.Pixels[pixel / factor])]);
    }

    /// <summary>Neighbouring frames side by side: a view where they lie at equal distances.</summary>
    public Node SqueezedFrames(Node h, int factor)
    {
        int frames = h.Pixels.Length / factor;
        bool alike = h is not ParallelNode && Enumerable.Range(0, h.Pixels.Length).All(pixel =>
            h.Pixels[pixel] - h.Pixels[pixel / factor * factor] == h.Pixels[pixel % factor] - h.Pixels[0]);
        if (!alike)
            h = Copied(h);
        h.Shared = true;
        return View(
            h,
            [.. Enumerable.Range(0, h.Units * factor).Select(unit => h.Columns[unit / factor] + h.Pixels[unit % factor] - h.Pixels[0])],
            [.. Enumerable.Range(0, frames).Select(frame => h.Pixels[frame * factor])]);
    }

    /// <summary>A transposed convolution, weights [inputs, outputs, taps]: a linear map of each frame and those before it to so many frames.</summary>
    public Node Transposed(Node h, Formula weights, Formula bias, int kernel, int stride)
    {
        int inputs = h.Units, outputs = bias.Count, before = (kernel + stride - 1) / stride;
        // Phase r of frame t reads frame t - back by tap r + back stride; the taps of the convolution are those frames in the order of time.
        var matrix = new int[stride * outputs * inputs * before];
        int at = 0;
        for (int r = 0; r < stride; r++)
            for (int output = 0; output < outputs; output++)
                for (int input = 0; input < inputs; input++)
                    for (int place = 0; place < before; place++, at++)
                        matrix[at] = r + (before - 1 - place) * stride is var tap && tap < kernel ? (input * outputs + output) * kernel + tap : -1;
        Node phases = Convolution(
            h, weights.Pick(matrix), bias.Pick([.. Enumerable.Range(0, stride * outputs).Select(i => i % outputs)]), new Kernel(1, before, Causal: true), border: 0, null);
        phases.Shared = true;
        return View(
            phases, [.. Enumerable.Range(0, outputs)],
            [.. Enumerable.Range(0, phases.Pixels.Length * stride).Select(frame => phases.Pixels[frame / stride] + frame % stride * outputs)]);
    }

    private InputNode View(Node h, int[] columns, int[] pixels)
    {
        var view = new InputNode { Region = h.Region, Columns = columns, Pixels = pixels, Image = (1, pixels.Length), Shared = true };
        nodes.Add(view);
        return view;
    }

    // Units as neighbours at every pixel.
    private Node InColumns(Node h)
    {
        bool neighbours = h is not ParallelNode && Enumerable.Range(0, h.Units).All(unit => h.Columns[unit] == h.Columns[0] + unit);
        return neighbours ? h : Add(Copy(h, h.Units, (unit, pixel) => h.At(unit, pixel)));
    }
}

/// <summary>A convolution of each unit by itself.</summary>
internal sealed class DepthwiseNode : Node
{
    public required Node Input { get; init; }

    public required Formula Weights { get; init; }

    public required Formula? Shifts { get; init; }

    public required Formula Bias { get; init; }

    public required int Kernel { get; init; }

    public required int Dilation { get; init; }

    public override IEnumerable<Operation> All() => [new DepthwiseOperation(this)];

    protected override IEnumerable<Operation> Of(int[] units) => All();
}

/// <summary>tanh(a) sigmoid(b) of the two halves of another node.</summary>
internal sealed class GatedNode : Node
{
    public required Node Input { get; init; }

    public required Node? Added { get; init; }

    /// <summary>Which pixel of what is added belongs to one of the input: fewer ones are repeated.</summary>
    public int AddedPixel(int pixel) => (int)((long)pixel * Added!.Pixels.Length / Pixels.Length);

    public override IEnumerable<Operation> All() => [new GateOperation(this)];

    protected override IEnumerable<Operation> Of(int[] units) => All();
}
