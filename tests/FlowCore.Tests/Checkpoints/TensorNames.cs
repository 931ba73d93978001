using FlowCore.Checkpoints;
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
            var spec = new FlowSpec { Name = "names", EventShape = kind.Image ?? [4], Context = new ContextSpec { Size = 2 }, Bijections = [kind.Of(4)] };
            using Flow flow = FlowBuilder.Build(spec);
            var names = Checkpoint.Of(flow).Weights.Select(weight => $"{weight.Key} {weight.Value.Describe()}").Order(StringComparer.Ordinal);
            return $"{kind.Name}: {string.Join("; ", names)}";
        }).ToArray();
        string path = Path.Combine(AppContext.BaseDirectory, "Checkpoints", "tensor-names.txt");
        // Where a new kind was added on purpose, this file is the new snapshot.
        File.WriteAllLines(path + ".now", lines);
        Assert.Equal(File.ReadAllLines(path), lines);
    }
}
