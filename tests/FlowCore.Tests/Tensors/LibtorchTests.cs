using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Tests.Tensors;

public sealed class LibtorchTests
{
    [Fact]
    public void Libtorch_loads_and_multiplies()
    {
        using var scope = NewDisposeScope();
        Tensor product = mm(tensor(new double[,] { { 1, 2 }, { 3, 4 } }), tensor(new double[,] { { 5 }, { 6 } }));
        Assert.Equal([17.0, 39.0], product.data<double>().ToArray());
    }

    [Theory, InlineData("gpu"), InlineData("cuda:x"), InlineData("")]
    public void An_unknown_device_is_refused_by_name(string name) =>
        Assert.Contains($"'{name}'", Assert.Throws<FlowException>(() => Libtorch.Device(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_GPU_asked_for_by_name_is_never_replaced_by_the_CPU()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has a GPU");
        Assert.Contains("sees no GPU", Assert.Throws<FlowException>(() => Libtorch.Device("cuda")).Message, StringComparison.Ordinal);
        Assert.Equal("cpu", Libtorch.Device("auto").ToString());
    }
}
