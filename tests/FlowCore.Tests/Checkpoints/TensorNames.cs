using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Tests.Laws;

namespace FlowCore.Tests.Checkpoints;

/// <summary>The names under which each kind stores its tensors: a renamed field would break everybody's files.</summary>
public sealed class TensorNames
{
    [Fact]
    public void Stored_names_never_change()
    {
        var lines = Kinds.All.Select(kind =>
        {
            var spec = new FlowSpec { Name = "names", EventShape = kind.Image ?? [4], Context = kind.Given ?? new ContextSpec { Size = 2 }, Bijections = [kind.Of(4)] };
            using Flow flow = FlowBuilder.Build(spec);
            var names = Checkpoint.Of(flow).Weights.Select(weight => $"{weight.Key} {weight.Value.Describe()}").Order(StringComparer.Ordinal);
            return $"{kind.Name}: {string.Join("; ", names)}";
        }).ToArray();
        string path = Path.Combine(AppContext.BaseDirectory, "Checkpoints", "tensor-names.txt");
        // Where a new kind was added on purpose, this file is the new snapshot.
        File.WriteAllLines(path + ".now", lines);
        Assert.Equal(File.ReadAllLines(path), lines);
    }

    [Fact]
    public void What_a_description_needs_is_what_its_modules_hold()
    {
        BaseDensitySpec[] bases =
        [
            new StandardNormalSpec(), new DiagonalNormalSpec(), new DiagonalNormalSpec { PlainScale = true }, new BoxUniformSpec(), new ClassNormalSpec(),
            new ConditionalNormalSpec { Conditioner = new MlpSpec { Hidden = [3] } }, new GaussianMixtureSpec { Components = 3 }, new GaussianMixtureSpec { Components = 3, Covariance = MixtureCovariance.Full }, new GlowNormalSpec { Channels = 2 },
            new GlowNormalSpec { Channels = 2, ByClass = true }, new UniformNormalSpec { Uniform = [1] },
            new FlowBaseSpec { Bijections = [new ElementwiseSpec { Element = new MixtureElementSpec { Components = 2 } }, new LinearSpec()] },
            new LevelsSpec { Levels = [new() { Width = 1, Base = new StandardNormalSpec() }, new() { Width = 3, Base = new DiagonalNormalSpec() }] },
        ];
        FlowSpec[] specs =
        [
            .. Kinds.All.Select(kind => new FlowSpec { Name = kind.Name, EventShape = kind.Image ?? [4], Context = kind.Given ?? new ContextSpec { Size = 2 }, Bijections = [kind.Of(4)] }),
            .. bases.Select(density => new FlowSpec { Name = "base", EventShape = [4], Context = new ContextSpec { Classes = 3 }, Bijections = [], Base = density }),
            new()
            {
                Name = "embedding", EventShape = [2], Bijections = [new CouplingSpec { Mask = CouplingMask.Odd, Element = new AffineElementSpec(), Conditioner = new LinearConditionerSpec() }],
                Context = new ContextSpec { Size = 5, Embedding = [new StandardizeLayerSpec(), new LinearLayerSpec { Width = 3 }] },
            },
            Engines.EnlargingFlow.Spec,
        ];
        foreach (FlowSpec spec in specs)
        {
            using Flow flow = FlowBuilder.Build(spec);
            Assert.Equal(
                Checkpoint.Of(flow).Weights.Select(weight => $"{weight.Key} {weight.Value.Describe()}").Order(StringComparer.Ordinal),
                FlowSpecChecks.Check(spec).ByName.Select(tensor => $"{tensor.Key} {tensor.Value.Describe()}").Order(StringComparer.Ordinal));
        }
    }
}
