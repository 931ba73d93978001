namespace FlowService.Wire;

/// <summary>The type of the numbers in a binary answer. What is computed is float32; float64 holds the same values.</summary>
internal enum ElementType
{
    Float32,
    Float64,
}
