using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using FlowBenchmarks;
using FlowBenchmarks.Anomaly;
using FlowBenchmarks.Serving;

if (args is ["golden", .. var rest])
{
    GoldenTable.Print(Console.Out, rest is [var on] ? on : "cpu");
    return;
}

if (args is ["device", var device])
{
    DeviceTable.Print(Console.Out, device);
    return;
}

if (args is ["gpu", "write", var written])
{
    GpuTable.Write(Console.Out, written);
    return;
}

if (args is ["gpu", "check", var compared, var where, .. var first])
{
    Environment.ExitCode = GpuTable.Check(Console.Out, compared, where, OrAll(first)) == 0 ? 0 : 1;
    return;
}

if (args is ["gpu", "once", var tried])
{
    GpuTable.RunOnce(Console.Out, tried);
    return;
}

if (args is ["gpu", "speed", var card, .. var most])
{
    GpuTable.Print(Console.Out, card, OrAll(most));
    return;
}

if (args is ["gpu", "count"])
{
    KernelCounts.Print(Console.Out);
    return;
}

if (args is ["gpu", "text", var texts])
{
    KernelCounts.WriteTexts(Console.Out, texts);
    return;
}

if (args is ["engines"])
{
    EngineTable.Print(Console.Out);
    return;
}

if (args is ["kinds", .. var named])
{
    KindTable.Print(Console.Out, named.FirstOrDefault() ?? "");
    return;
}

if (args is ["steps"])
{
    EngineTable.PrintSteps(Console.Out);
    return;
}

if (args is ["training", .. var only])
{
    TrainingTable.Print(Console.Out, only.FirstOrDefault());
    return;
}

if (args is ["vocoders", .. var one])
{
    VocoderTable.Print(Console.Out, one.FirstOrDefault());
    return;
}

if (args is ["anomaly", "--data", var folder, .. var sets])
{
    AnomalyTable.Print(Console.Out, folder, seeds: 3, seconds: 60, sets);
    return;
}

if (args is ["files", var model, .. var many])
{
    FilesTable.Print(Console.Out, model, OrAll(many) is var rows and < int.MaxValue ? rows : 1_000_000);
    return;
}

if (args is ["serving", .. var peer])
{
    ServingTable.Print(Console.Out, peer.FirstOrDefault());
    return;
}

if (args is ["overload", .. var overloaded])
{
    double seconds = overloaded is [var length, ..] ? double.Parse(length, CultureInfo.InvariantCulture) : 5;
    OverloadTable.Print(Console.Out, TimeSpan.FromSeconds(seconds), overloaded.ElementAtOrDefault(1), overloaded.ElementAtOrDefault(2));
    return;
}

if (args is ["shadow", .. var shadowed])
{
    ShadowTable.Print(Console.Out, shadowed.Length > 0 ? int.Parse(shadowed[0], CultureInfo.InvariantCulture) : 100, [.. shadowed.Skip(1)]);
    return;
}

// In this process: a project generated for each benchmark would restore and copy libtorch again.
// TorchSharp is marked as not optimised on purpose (build/SafeTorchSharp.targets): it is measured as it is served.
IConfig config = DefaultConfig.Instance
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .WithOptions(ConfigOptions.DisableOptimizationsValidator);
BenchmarkSwitcher.FromAssembly(typeof(LogProbBenchmark).Assembly).Run(args, config);

static int OrAll(string[] given) => given is [var number] ? int.Parse(number, CultureInfo.InvariantCulture) : int.MaxValue;
