using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>Writes a base density into a program: the density of latents that are there, or of those that it draws from noise.</summary>
internal sealed class DensityCompiler(DensityRegions regions, Node? context)
{
    private readonly List<Operation> operations = [];

    public IEnumerable<Operation> Operations => operations;

    public DensityRegions Regions => regions;

    public Node? Context => context;

    public void Add(Operation operation) => operations.Add(operation);

    /// <summary>Independent normals with fixed means and log standard deviations; null for 0.</summary>
    public void Normal(int first, int width, Formula? means, Formula? logScales)
    {
        Region? parameters = null;
        if (means is not null || logScales is not null)
        {
            parameters = new Region(2 * width);
            Add(new FillOperation(parameters, [.. Enumerable.Range(0, 2 * width)], Formula.Joined(means ?? Formula.Repeated(0, width), logScales ?? Formula.Repeated(0, width))));
        }
        Add(new NormalOperation(regions, first, width, parameters));
    }

    /// <summary>Independent normals whose [means | log standard deviations] a network makes of the context.</summary>
    public void Normal(int first, int width, Func<NetworkCompiler, Node, Node> parameters)
    {
        var network = new NetworkCompiler(context);
        Node output = network.InOrder(parameters(network, context!));
        operations.AddRange(network.All());
        Add(new NormalOperation(regions, first, width, output.Region));
    }
}
