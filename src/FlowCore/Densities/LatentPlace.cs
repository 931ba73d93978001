namespace FlowCore.Densities;

/// <summary>What a base density is told of its place: its number of values, the width of the encoded context, and the classes that arrive there as one-hot, 0 for none.</summary>
internal readonly record struct LatentPlace(int Width, ContextPlace Context, int Classes);
