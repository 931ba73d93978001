namespace FlowRows.Answers;

/// <summary>The type of the numbers in a binary answer. float64 holds what was computed in float32 unchanged.</summary>
internal enum ElementType
{
    Float32,
    Float64,
}
