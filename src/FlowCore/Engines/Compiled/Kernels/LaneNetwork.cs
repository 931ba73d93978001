using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// A small network on vectors of values: each lane is a value of its own, and each weight goes to all lanes, so that they are at work
/// however narrow the layers are. Sums are taken input by input, by fused multiply-add. The first layer's part for the signal is
/// computed once for all values that are tried with it.
/// </summary>
internal sealed unsafe partial class LaneNetwork<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Block = 8;

    private readonly FeatureNetwork network;
    private readonly PackedLayer signal;
    private readonly PackedLayer[] layers;
    private readonly T[] ofValue;

    /// <param name="signalWidth">The numbers that the first layer reads behind the value.</param>
    /// <param name="network">The weights.</param>
    public LaneNetwork(int signalWidth, FeatureNetwork network)
    {
        this.network = network;
        FeatureLayer first = network.Layers[0];
        ofValue = [.. Enumerable.Range(0, first.Outputs).Select(o => T.CreateTruncating(first.Weight[o * first.Inputs]))];
        signal = new(first, skipped: 1);
        layers = [.. network.Layers.Skip(1).Select(layer => new PackedLayer(layer, skipped: 0))];
        Widest = network.Layers.Max(layer => Math.Max(Padded(layer.Outputs), Math.Max(layer.Inputs, signalWidth)));
    }

    /// <summary>The vectors that each layer's units need, those behind the last one included.</summary>
    public int Widest { get; }

    /// <summary>The layers behind the first one.</summary>
    public int Depth => layers.Length;

    /// <summary>The units in front of one of these.</summary>
    public int Width(int layer) => layers[layer].Inputs;

    /// <summary>What the signal adds to the first layer, with its bias.</summary>
    public void ReadSignal(T* parameters, int stride, Vector512<T>* to)
    {
        T* weight = Pinned.Pointer(signal.Weights);
        for (int o = 0; o < signal.Outputs; o += Block, weight += Block * signal.Inputs)
            for (int lane = 0; lane < Block; lane++)
            {
                Vector512<T> sum = Vector512.Create(signal.Bias[o + lane]);
                for (int k = 0; k < signal.Inputs; k++)
                    sum = VectorMath.MultiplyAdd(Vector512.Load(parameters + k * stride), Vector512.Create(weight[k * Block + lane]), sum);
                to[o + lane] = sum;
            }
    }

    /// <summary>The first layer at x.</summary>
    public void Begin(Vector512<T> x, Vector512<T>* ofSignal, Vector512<T>* h)
    {
        for (int o = 0; o < ofValue.Length; o++)
            h[o] = VectorMath.MultiplyAdd(x, Vector512.Create(ofValue[o]), ofSignal[o]);
    }

    /// <summary>The same, and its derivative by x.</summary>
    public void Begin(Vector512<T> x, Vector512<T>* ofSignal, Vector512<T>* h, Vector512<T>* tangent)
    {
        Begin(x, ofSignal, h);
        for (int o = 0; o < ofValue.Length; o++)
            tangent[o] = Vector512.Create(ofValue[o]);
    }

    /// <summary>A later layer.</summary>
    public void Layer(int layer, Vector512<T>* h, Vector512<T>* to) => Product(layers[layer], layers[layer].Bias, h, to);

    /// <summary>A later layer, and its derivative.</summary>
    public void Layer(int layer, Vector512<T>* h, Vector512<T>* tangent, Vector512<T>* to, Vector512<T>* toTangent)
    {
        Product(layers[layer], layers[layer].Bias, h, to);
        Product(layers[layer], layers[layer].Zeros, tangent, toTangent);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product(PackedLayer layer, T[] starts, Vector512<T>* h, Vector512<T>* to)
    {
        int inputs = layer.Inputs;
        T* weight = Pinned.Pointer(layer.Weights), start = Pinned.Pointer(starts);
        for (int o = 0; o < layer.Outputs; o += Block, start += Block)
        {
            Vector512<T> s0 = Vector512.Create(start[0]), s1 = Vector512.Create(start[1]), s2 = Vector512.Create(start[2]);
            Vector512<T> s3 = Vector512.Create(start[3]), s4 = Vector512.Create(start[4]), s5 = Vector512.Create(start[5]);
            Vector512<T> s6 = Vector512.Create(start[6]), s7 = Vector512.Create(start[7]);
            for (int k = 0; k < inputs; k++, weight += Block)
            {
                Vector512<T> value = h[k];
                s0 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[0]), s0);
                s1 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[1]), s1);
                s2 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[2]), s2);
                s3 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[3]), s3);
                s4 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[4]), s4);
                s5 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[5]), s5);
                s6 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[6]), s6);
                s7 = VectorMath.MultiplyAdd(value, Vector512.Create(weight[7]), s7);
            }
            (to[o], to[o + 1], to[o + 2], to[o + 3]) = (s0, s1, s2, s3);
            (to[o + 4], to[o + 5], to[o + 6], to[o + 7]) = (s4, s5, s6, s7);
        }
    }

    private static int Padded(int width) => (width + Block - 1) / Block * Block;

    /// <summary>Weights in blocks of eight outputs, input by input, and zeros behind the last output.</summary>
    private sealed class PackedLayer
    {
        public PackedLayer(FeatureLayer layer, int skipped)
        {
            (Inputs, Outputs) = (layer.Inputs - skipped, layer.Outputs);
            var weights = new double[Padded(Outputs) * Inputs];
            for (int o = 0; o < Outputs; o++)
                for (int k = 0; k < Inputs; k++)
                    weights[(o / Block * Inputs + k) * Block + o % Block] = layer.Weight[o * layer.Inputs + skipped + k];
            Weights = Pinned.Of<T>(weights);
            Bias = Pinned.Of<T>(layer.Bias, Padded(Outputs) - Outputs);
            Zeros = Pinned.Of<T>(new double[Padded(Outputs)]);
        }

        public int Inputs { get; }

        public int Outputs { get; }

        public T[] Weights { get; }

        public T[] Bias { get; }

        public T[] Zeros { get; }
    }
}
