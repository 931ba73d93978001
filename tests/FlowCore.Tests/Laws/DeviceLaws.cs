using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using CsCheck;
using FlowCore.Densities;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>A flow takes every tensor along to the device that it is moved to: shown by libtorch's "meta" device, which every machine has.</summary>
public sealed class DeviceLaws
{
    private static readonly torch.Device Meta = new(DeviceType.META);

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Every_tensor_moves_with_the_flow(Kind kind) => Instance.Of(kind).Sample(
        instance =>
        {
            using Flow flow = instance.Build();
            AllMove(flow);
        },
        iter: 1, threads: 1);

    [Fact]
    public void Every_tensor_of_a_base_density_moves_with_the_flow()
    {
        BaseDensitySpec[] specs = [new UniformNormalSpec { Uniform = [0] }, new BoxUniformSpec(), new DiagonalNormalSpec(), new GaussianMixtureSpec { Components = 2 }, new GaussianMixtureSpec { Components = 2, Covariance = MixtureCovariance.Full }];
        foreach (BaseDensitySpec spec in specs)
        {
            using Flow flow = FlowBuilder.Build(new FlowSpec { Name = "law", EventShape = [2], Base = spec, Bijections = [] });
            AllMove(flow);
        }
    }

    private static void AllMove(Flow flow)
    {
        Assert.All(Tensors(flow), found => Assert.Equal(DeviceType.CPU, found.Tensor.device_type));
        flow.to(Meta);
        Assert.All(Tensors(flow), found => Assert.True(found.Tensor.device_type == DeviceType.META, $"{found.Path} stays on the CPU"));
        Assert.Subset(Tensors(flow).Select(found => found.Tensor.Handle).ToHashSet(), flow.parameters().Select(parameter => parameter.Handle).ToHashSet());
    }

    /// <summary>All tensors that the flow's objects hold in their fields, whether TorchSharp knows of them or not.</summary>
    private static List<(string Path, Tensor Tensor)> Tensors(object root)
    {
        var found = new List<(string, Tensor)>();
        Visit(root, "flow", new(ReferenceEqualityComparer.Instance), found);
        return found;
    }

    private static void Visit(object? value, string path, HashSet<object> seen, List<(string, Tensor)> found)
    {
        if (value is Tensor tensor)
        {
            found.Add((path, tensor));
            return;
        }
        if (value is null or string || value.GetType() is { IsPrimitive: true } or { IsEnum: true } || !seen.Add(value))
            return;
        string? library = value.GetType().Namespace?.Split('.')[0];
        if (library is not (nameof(FlowCore) or nameof(TorchSharp)))
        {
            int i = 0;
            if (value is IEnumerable items)
                foreach (object? item in items)
                    Visit(item, $"{path}[{i++}]", seen, found);
            else if (value is ITuple tuple)
                for (; i < tuple.Length; i++)
                    Visit(tuple[i], $"{path}[{i}]", seen, found);
            return;
        }
        for (Type? type = value.GetType(); type is not null && type != typeof(object); type = type.BaseType)
            foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                Visit(field.GetValue(value), $"{path}.{field.Name}", seen, found);
    }
}
