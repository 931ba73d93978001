using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Faces;

/// <summary>
/// An input or output as it is announced. <c>Shape</c> has -1 for the number of rows; <c>Accepted</c> are the datatypes that an input
/// may come in, the announced one among them.
/// </summary>
internal sealed record TensorSpec(string Name, Datatype Datatype, params long[] Shape)
{
    public Datatype[] Accepted { get; init; } = [Datatype];

    public bool IsOptional { get; init; }

    /// <summary>Another shape that rows may come in: that of the event, [-1, C, H, W].</summary>
    public long[]? EventShape { get; init; }

    /// <summary>The shape in words: [-1, 2].</summary>
    public string ShapeText => EventShape is null ? Text(Shape) : $"{Text(Shape)} or {Text(EventShape)}";

    public static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
