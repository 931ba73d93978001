using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowCore.Bijections;

/// <summary>
/// Which features a coupling transforms, the others being kept: <c>"second_half"</c>, <c>"first_half"</c>, <c>"odd"</c>,
/// <c>"even"</c> (positions counted from 0), or an explicit list of 0 and 1, where 1 means transformed. For an image these are
/// channels, and there are checkerboards of pixels: <c>"checkerboard_even"</c> transforms those with an even row + column, at
/// full resolution, <c>"packed_checkerboard_even"</c> those with an even channel + row + column, packed to half the width; and
/// <c>_odd</c> likewise.
/// </summary>
[JsonConverter(typeof(CouplingMaskConverter))]
public sealed record CouplingMask
{
    public static readonly CouplingMask FirstHalf = new("first_half"), SecondHalf = new("second_half");
    public static readonly CouplingMask Even = new("even"), Odd = new("odd");
    public static readonly CouplingMask CheckerboardEven = new("checkerboard_even"), CheckerboardOdd = new("checkerboard_odd");
    public static readonly CouplingMask PackedCheckerboardEven = new("packed_checkerboard_even"), PackedCheckerboardOdd = new("packed_checkerboard_odd");

    private static readonly CouplingMask[] AllNamed =
        [FirstHalf, SecondHalf, Even, Odd, CheckerboardEven, CheckerboardOdd, PackedCheckerboardEven, PackedCheckerboardOdd];

    private CouplingMask(string? name, bool[]? bits = null) => (Name, Bits) = (name, bits);

    public string? Name { get; }

    internal bool[]? Bits { get; }

    /// <summary>Whether both parts keep the shape of the whole, the pixels of the other part being 0.</summary>
    internal bool IsFullResolution => Name is "checkerboard_even" or "checkerboard_odd";

    /// <summary>Whether it tells channels apart, alike at every pixel.</summary>
    internal bool IsOfChannels => !IsFullResolution && !IsPacked;

    /// <summary>The shape of what is kept, of channels.</summary>
    internal EventShape Kept(EventShape shape) => shape with { Sizes = [Indices(shape.Channels, transformed: false).Length, .. shape.Sizes[1..]] };

    private bool IsPacked => Name is "packed_checkerboard_even" or "packed_checkerboard_odd";

    /// <summary>Refuses an event that it does not divide; else the shapes of what is kept and of what is transformed.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal (EventShape Kept, EventShape Transformed) Check(SpecScope at, EventShape shape)
    {
        if (IsFullResolution || IsPacked)
        {
            var (channels, height, width) = at.Image(shape);
            if (IsPacked && width % 2 != 0)
                throw at.Refusal("mask", $"a packed checkerboard needs an even width, here it is {width}");
            if (height * width == 1)
                throw at.Refusal("mask", "a checkerboard needs more than one pixel");
            EventShape part = IsPacked ? shape with { Sizes = [channels, height, width / 2] } : shape;
            return (part, part);
        }
        int features = shape.Channels;
        if (Bits is not null && Bits.Length != features)
            throw at.Refusal("mask", $"has {Bits.Length} entries for {features} features");
        int transformed = Enumerable.Range(0, features).Count(i => Transforms(i, features));
        if (transformed == 0 || transformed == features)
            throw at.Refusal("mask", $"{(transformed == 0 ? "keeps" : "transforms")} all {features} features; a coupling needs some of both kinds");
        return (shape with { Sizes = [features - transformed, .. shape.Sizes[1..]] }, shape with { Sizes = [transformed, .. shape.Sizes[1..]] });
    }

    /// <summary>A mask with true where a feature is transformed.</summary>
    public static CouplingMask Explicit(params bool[] transformed) => new(null, transformed);

    internal static CouplingMask? Named(string name) =>
        AllNamed.FirstOrDefault(mask => mask.Name == name);

    /// <summary>The indices of the transformed (true) or the kept (false) features, ascending.</summary>
    public long[] Indices(int features, bool transformed) =>
        Enumerable.Range(0, features).Where(i => Transforms(i, features) == transformed).Select(i => (long)i).ToArray();

    private bool Transforms(int i, int features) => Name switch
    {
        "first_half" => i < features / 2,
        "second_half" => i >= features / 2,
        "even" => i % 2 == 0,
        "odd" => i % 2 == 1,
        _ => Bits![i],
    };

    private sealed class CouplingMaskConverter : JsonConverter<CouplingMask>
    {
        public override CouplingMask Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String)
                return Named(reader.GetString()!)
                    ?? throw new JsonException($"mask '{reader.GetString()}' is none of {string.Join(", ", AllNamed.Select(mask => mask.Name))}, nor a list of 0 and 1");
            int[] bits = JsonSerializer.Deserialize<int[]>(ref reader, options)!;
            return bits.All(bit => bit is 0 or 1)
                ? Explicit([.. bits.Select(bit => bit == 1)])
                : throw new JsonException("an explicit mask holds only 0 (kept) and 1 (transformed)");
        }

        public override void Write(Utf8JsonWriter writer, CouplingMask value, JsonSerializerOptions options)
        {
            if (value.Bits is null)
                writer.WriteStringValue(value.Name);
            else
                JsonSerializer.Serialize(writer, value.Bits.Select(bit => bit ? 1 : 0), options);
        }
    }
}
