using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Engines.Gpu.Cuda;
using FlowCore.Tests.Engines;

namespace FlowCore.Tests.Gpu;

/// <summary>The way of a batch through driver, compiler and memory, on a stand-in for NVIDIA's libraries.</summary>
public sealed class DriverTests
{
    private const string Model = "breast-cancer/1";

    private readonly StandIn gpu = new();
    private readonly Checkpoint checkpoint = CompiledModels.Checkpoint(Model);

    [Fact]
    public void What_an_engine_takes_it_gives_back()
    {
        Assert.Equal([0, 0, 0, 0, 0], gpu.Held);
        using (var engine = new GpuEngine<float>(checkpoint, gpu.Options))
        {
            Assert.Equal(("gpu", "cuda:0", true), (engine.Name, engine.Device, engine.SameBitsInAnyBatch));
            LikeTheCpu(engine, 500);
            Assert.Equal([4, 2, 1, 1], gpu.Held[1..]);
            long taken = gpu.Held[0];
            Assert.InRange(taken, 1, 1L << 39);
            Assert.Equal(new("cuda:0", "stand-in", taken, (1L << 40) - taken, 1L << 40), engine.Memory());
            Assert.Equal(1, gpu.Held[4]); // the context that was held to ask is given back
        }
        Assert.Equal([0, 0, 0, 0, 0], gpu.Held);
    }

    [Fact]
    public void Each_device_has_its_own_engine()
    {
        using var first = new GpuEngine<float>(checkpoint, gpu.Options);
        using var second = new GpuEngine<float>(checkpoint, gpu.Options, 1);
        Assert.Equal(("cuda:0", "cuda:1"), (first.Device, second.Device));
        Parallel.ForEach((GpuEngine<float>[])[first, second], engine => LikeTheCpu(engine, 200));
        Assert.Equal("device 'cuda:2' was asked for, but there are 2 GPUs", Assert.Throws<FlowException>(() => new GpuEngine<float>(checkpoint, gpu.Options, 2)).Message);
    }

    [Fact]
    public void Kernels_are_compiled_once_and_found_after_a_restart()
    {
        string folder = Path.Combine(StandIn.Folder, "restart");
        GpuOptions options = gpu.Options with { KernelFolder = folder };
        new GpuEngine<float>(checkpoint, options).Dispose();
        Assert.Equal(1, gpu.Count("compilations"));
        // As after a restart: another process has nothing but the folder.
        var restarted = new StandIn();
        using (var engine = new GpuEngine<float>(checkpoint, restarted.Options with { KernelFolder = folder }))
            LikeTheCpu(engine, 40);
        Assert.Equal(0, restarted.Count("compilations"));
        string kept = Assert.Single(Directory.GetFiles(folder));
        Assert.Matches("^[0-9a-f]{64}[.]cubin$", Path.GetFileName(kept));

        // What a full disk cut off is compiled anew.
        File.WriteAllBytes(kept, File.ReadAllBytes(kept)[..^100]);
        using (var engine = new GpuEngine<float>(checkpoint, restarted.Options with { KernelFolder = folder }))
            LikeTheCpu(engine, 40);
        Assert.Equal(1, restarted.Count("compilations"));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_nothing_but_time()
    {
        string file = Path.Combine(StandIn.Folder, "a-file");
        File.WriteAllText(file, "");
        foreach (string folder in (string[])[Path.Combine(file, "kernels"), ""])
            using (var engine = new GpuEngine<float>(checkpoint, gpu.Options with { KernelFolder = folder }))
                LikeTheCpu(engine, 40);
        Assert.Equal(2, gpu.Count("compilations"));
    }

    [Fact]
    public void Flows_that_differ_in_their_weights_alone_share_their_kernels()
    {
        string[] texts = [.. new ulong[] { 5, 77 }.Select(seed =>
        {
            using Flow flow = checkpoint.BuildFlow();
            Laws.RandomWeights.Fill(flow, seed);
            var text = new KernelText(isSingle: true);
            GpuProgram.Of(CompiledFlow.Of(Checkpoint.Of(flow)), 1 << 17, text);
            return text.Text;
        })];
        Assert.Equal(texts[0], texts[1]);
    }

    [Fact]
    public void Where_memory_is_short_the_parts_are_halved()
    {
        int most;
        long needed;
        using (var engine = new GpuEngine<float>(checkpoint, gpu.Options))
            (most, needed) = (engine.PartRows, gpu.Count("device bytes"));
        gpu.Limit(needed / 100);
        using (var engine = new GpuEngine<float>(checkpoint, gpu.Options))
        {
            Assert.InRange(engine.PartRows, 32, most / 64);
            Assert.Equal(2 * engine.PartRows, engine.LargestNewBatch);
            long before = gpu.Count("launches");
            // Both parts are used again and again.
            LikeTheCpu(engine, 5 * engine.PartRows + 3);
            Assert.Equal(before + 2 * 6, gpu.Count("launches"));
        }
        Assert.Equal([0, 0, 0, 0, 0], gpu.Held);
    }

    [Fact]
    public void Where_there_is_none_the_engine_says_so_and_leaves_nothing()
    {
        gpu.Limit(1000);
        var missing = Assert.Throws<InsufficientMemoryException>(() => new GpuEngine<float>(checkpoint, gpu.Options));
        Assert.Contains("the GPU is out of memory", missing.Message, StringComparison.Ordinal);
        Assert.Equal([0, 0, 0, 0, 0], gpu.Held);
    }

    [Fact]
    public void Densities_alone_bring_no_latents_back()
    {
        using var engine = new GpuEngine<float>(checkpoint, gpu.Options);
        using var cpu = new CompiledEngine<float>(checkpoint);
        var (x, context, _) = CompiledModels.Rows(cpu, 70);
        float[] expected = new float[70], actual = new float[70];
        cpu.Forward(x, context, [], new float[70], expected);
        engine.Forward(x, context, [], new float[70], actual);
        Assert.Equal(expected, actual);
        engine.Forward([], [], [], [], []);
        Assert.Throws<RowException>(() => engine.Forward(new float[engine.Width + 1], [], [], new float[1], new float[1]));
    }

    [Fact]
    public void Samples_alone_leave_the_device_and_noise_never_enters_it()
    {
        const int Rows = 70;
        using var engine = new GpuEngine<float>(checkpoint, gpu.Options);
        using var cpu = new CompiledEngine<float>(checkpoint);
        var rows = new NoiseRow[Rows];
        NoiseRow.Fill(rows, 3, 5);
        float[] ones = [.. Enumerable.Repeat(1f, Rows)], expected = new float[Rows * cpu.Width], actual = new float[expected.Length];
        cpu.Sample(rows, [], ones, [], new float[Rows], expected, new float[Rows], new float[Rows]);
        long sent = gpu.Count("bytes to devices"), returned = gpu.Count("bytes to hosts");
        engine.Sample(rows, [], ones, [], new float[Rows], actual, new float[Rows], new float[Rows]);
        Assert.Equal(expected, actual);
        // A seed, a row and a temperature; a row of data, its two logarithms, and the latent's.
        Assert.Equal(Rows * (16 + 4), gpu.Count("bytes to devices") - sent);
        Assert.Equal(Rows * (engine.Width + 3) * 4, gpu.Count("bytes to hosts") - returned);
        Assert.Throws<RowException>(() => engine.Sample(rows, [], ones, new float[1], new float[Rows], actual, new float[Rows], new float[Rows]));
    }

    [Fact]
    public void A_class_that_is_none_is_refused()
    {
        using var engine = new GpuEngine<float>(CompiledModels.Checkpoint("digits/1"), gpu.Options);
        Assert.Equal("row 0 has the class 10; model 'digits' has the classes 0..9", Assert.Throws<RowException>(
            () => engine.Forward(new float[engine.Width], [10], [], new float[1], new float[1])).Message);
    }

    [Fact]
    public void A_missing_driver_is_named_with_the_remedy()
    {
        GpuOptions none = gpu.Options with { Driver = "libno-driver.so.1" };
        string words = Assert.Throws<FlowException>(() => Engine.Open<float>(checkpoint, EngineKind.Gpu, "cuda", gpu: none)).Message;
        Assert.StartsWith("device 'cuda' was asked for: the GPU engine needs NVIDIA's driver: libno-driver.so.1 is nowhere", words, StringComparison.Ordinal);
        Assert.Contains("docker run --gpus all", words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_compiler_is_named_with_the_places_and_the_remedy()
    {
        string words = Assert.Throws<FlowException>(() => Engine.Open<float>(
            checkpoint, EngineKind.Gpu, "cuda", gpu: gpu.Options with { Compiler = StandIn.Folder })).Message;
        Assert.Contains(Path.Combine(StandIn.Folder, "libnvrtc.so.13"), words, StringComparison.Ordinal);
        Assert.Contains("Engine:Nvrtc", words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_none_of_NVIDIAs_is_refused()
    {
        string words = Assert.Throws<FlowException>(() => new GpuEngine<float>(checkpoint, gpu.Options with { Driver = "libm.so.6" })).Message;
        Assert.StartsWith("libm.so.6 has no function cuInit", words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_is_computed_by_the_gpu_engine_where_it_can_be_used()
    {
        Assert.Equal("cuda:0", Engine.DeviceOf("auto", EngineKind.Auto, gpu.Options));
        Assert.Equal("cuda:1", Engine.DeviceOf("cuda:1", EngineKind.Gpu, gpu.Options));
        Assert.Equal("cpu", Engine.DeviceOf("cpu", EngineKind.Auto, gpu.Options));
        Assert.Equal("cpu", Engine.DeviceOf("auto", EngineKind.Auto, gpu.Options with { Driver = "libno-driver.so.1" }));
        using FlowEngine<float> engine = Engine.Open<float>(checkpoint, EngineKind.Auto, "cuda:1", gpu: gpu.Options);
        Assert.IsType<GpuEngine<float>>(engine);
        Assert.Equal(
            "the compiled engine runs on the CPU, not on 'cuda'; ask for cpu, or for the gpu or the torch engine",
            Assert.Throws<FlowException>(() => Engine.Open<float>(checkpoint, EngineKind.Compiled, "cuda", gpu: gpu.Options)).Message);
        Assert.StartsWith("the gpu engine runs on GPUs", Assert.Throws<FlowException>(() => Engine.Open<float>(checkpoint, EngineKind.Gpu)).Message, StringComparison.Ordinal);
        Assert.StartsWith("device 'cuda:7' was asked for, but there are 2 GPUs", Assert.Throws<FlowException>(
            () => Engine.Open<float>(checkpoint, EngineKind.Gpu, "cuda:7", gpu: gpu.Options)).Message, StringComparison.Ordinal);
    }

    private static void LikeTheCpu(GpuEngine<float> engine, int rows)
    {
        using var cpu = new CompiledEngine<float>(CompiledModels.Checkpoint(Model));
        var (x, context, z) = CompiledModels.Rows(cpu, rows);
        foreach (bool back in (bool[])[false, true])
        {
            float[] values = new float[x.Length], logDet = new float[rows], logProb = new float[rows];
            float[] expected = new float[x.Length], expectedDet = new float[rows], expectedProb = new float[rows];
            if (back)
            {
                cpu.Inverse(z, context, expected, expectedDet, expectedProb);
                engine.Inverse(z, context, values, logDet, logProb);
            }
            else
            {
                cpu.Forward(x, context, expected, expectedDet, expectedProb);
                engine.Forward(x, context, values, logDet, logProb);
            }
            Assert.Equal(expected, values);
            Assert.Equal(expectedDet, logDet);
            Assert.Equal(expectedProb, logProb);
        }
    }
}
