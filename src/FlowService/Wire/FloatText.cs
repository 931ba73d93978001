using System.Text.Json;

namespace FlowService.Wire;

/// <summary>Decimal text to the nearest 32-bit float.</summary>
internal static class FloatText
{
    /// <summary>The number at the reader's place; false where it is too large for a float.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, out float value) => reader.TryGetSingle(out value) && float.IsFinite(value);
}
