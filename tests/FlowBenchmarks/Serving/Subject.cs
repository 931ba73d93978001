using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks.Serving;

/// <summary>A model, and a request of it.</summary>
internal sealed record Subject(string Name, int Rows, Checkpoint Checkpoint)
{
    private const string Npy = "application/x-npy", Json = "application/json";

    /// <summary>Reading a request costs as much as computing it, and clients on the same machine take their share.</summary>
    public static Subject Light { get; } = new("realnvp", Rows: 200, GoldenModel.Read("normflows/realnvp_masked").Checkpoint);

    /// <summary>Computing is what its service has to do.</summary>
    public static Subject Heavy { get; } = new("wide", Rows: 100, EngineTable.Random(EngineTable.RealNvp(features: 64, hidden: 512), scale: 0.03f));

    public void Write(string repository, int version) => Checkpoint.Write(Path.Combine(repository, Name, $"{version}"), "# The benchmark's model\n");

    public (string Name, string Type, byte[] Body)[] Bodies()
    {
        int width = Checkpoint.Spec.Width;
        float[] rows = new float[Rows * width], noise = new float[Rows * width];
        using FlowEngine<float> engine = Engine.Open<float>(Checkpoint);
        Noise.FillNormal(1, 0, noise.Length, noise.AsSpan());
        float[] context = new float[Rows * engine.ContextWidth], logDet = new float[Rows], logProb = new float[Rows];
        engine.Inverse(noise, context, rows, logDet, logProb);
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({Rows}, {width}), }}";
        header = header.PadRight((header.Length + 10 + 1 + 63) / 64 * 64 - 10 - 1) + '\n';
        byte[] npy = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes(rows.AsSpan())];
        return [("JSON", Json, JsonSerializer.SerializeToUtf8Bytes(new { model = Name, x = rows.Chunk(width) })), ("npy", Npy, npy)];
    }
}
