using FlowCore.Tensors;
using TorchSharp;

namespace FlowCore.Tests;

/// <summary>Where laws and golden models are computed: on the CPU, or on what FLOW_TEST_DEVICE names.</summary>
internal static class TestDevice
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("FLOW_TEST_DEVICE") ?? "cpu";

    public static torch.Device Device { get; } = Libtorch.Device(Name);
}
