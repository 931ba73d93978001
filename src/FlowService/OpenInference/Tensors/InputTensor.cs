using System.Numerics;
using System.Runtime.InteropServices;
using FlowRows;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;

namespace FlowService.OpenInference.Tensors;

/// <summary>
/// One input as it arrives: its data may come before its name, datatype and shape, so what is wrong with them is kept, and said
/// once all is known. Elements are flat, in row-major order.
/// </summary>
internal sealed class InputTensor(int index, LimitsOptions limits, RowPool pool) : IDisposable
{
    /// <summary>The most dimensions that a shape may have.</summary>
    public const int MostDimensions = 64;

    private const int FewValues = 1024;

    private (long Element, string Problem)? fault;
    private long? fraction;

    /// <summary>Null where it is left out or empty: messages of gRPC do not tell the two apart.</summary>
    public string? Name { get; set => field = InferRequest.Given(value); }

    /// <summary>Null where it is left out or empty, as the name is.</summary>
    public string? Datatype { get; set => field = InferRequest.Given(value); }

    public long[]? Shape { get; set; }

    /// <summary>The size in bytes of the raw form that follows the JSON part; null where the elements are in it.</summary>
    public long? BinarySize { get; set; }

    /// <summary>The elements, or null before any data came.</summary>
    public RowBuffer<float>? Values { get; private set; }

    /// <summary>The first element, exactly.</summary>
    public Scalar First { get; private set; }

    public string ShownName => Name is null ? $"inputs[{index}]" : $"input '{Name.Shown()}'";

    /// <exception cref="RequestException">A shape has more dimensions than any tensor here.</exception>
    public void CheckDimensions(int count)
    {
        if (count > MostDimensions)
            throw new RequestException(ProblemKind.InvalidArgument, $"{ShownName}: shape has more than {MostDimensions} dimensions");
    }

    /// <summary>Data begin.</summary>
    public RowBuffer<float> Begin(int expected = FewValues) =>
        Values is null
            ? Values = pool.RentEmpty<float>(Math.Clamp(expected, FewValues, Math.Max(FewValues, limits.ValuesPerRequest)))
            : throw new RequestException(ProblemKind.DuplicateField, $"{ShownName} has data twice");

    /// <summary>Room for numbers to be written, and counted by the buffer's <see cref="RowBuffer{T}.Advance"/>; at most what the limit leaves.</summary>
    public Span<float> Free => Values!.Free is var free && free.Length > Left ? free[..Left] : Values.Free;

    public void Append(float value)
    {
        CheckRoom(1);
        Values!.Append(value);
    }

    public void Append(float value, Scalar exact)
    {
        if (Values!.Length == 0)
            First = exact;
        Append(value);
    }

    /// <summary>Takes whole elements of the raw form.</summary>
    public void Append(ReadOnlySpan<byte> raw, Datatype datatype)
    {
        int count = raw.Length / datatype.Size;
        if (count == 0)
            return;
        CheckRoom(count);
        if (Values!.Length == 0)
            First = datatype.First(raw);
        datatype.Widen(raw[..(count * datatype.Size)], Values.Reserve(count));
        Values.Advance(count);
    }

    /// <summary>An element that is not a number: the first one is refused when the input's name is known.</summary>
    public void AppendFault(string problem)
    {
        fault ??= (Values!.Length, problem);
        Append(0);
    }

    /// <summary>Numbers as they are written in JSON, with commas between them: an integer has neither point nor exponent.</summary>
    /// <param name="text">The numbers.</param>
    /// <param name="first">The place of the first one.</param>
    public void SeeForm(ReadOnlySpan<byte> text, long first)
    {
        if (fraction is null && text.IndexOfAny(".eE"u8) is >= 0 and var at)
            fraction = first + text[..at].Count((byte)',');
    }

    /// <summary>
    /// Refuses elements that are not written as integers, or are none of the datatype's, where they are integers, as other servers of the
    /// protocol do.
    /// </summary>
    public void CheckForm(Datatype datatype)
    {
        if (datatype.Range is not var (least, most))
            return;
        if (fraction is { } element)
            throw NotOf(element, "an integer, without a point or an exponent");
        (float low, float high) = ((float)least, (float)most); // the nearest floats, as the elements are
        for (int i = 0; i < Values!.Length; i++)
            if (Values.Span[i] < low || Values.Span[i] > high)
                throw NotOf(i, $"in {least}..{most}");

        RequestException NotOf(long element, string what) =>
            new(ProblemKind.InvalidValue, $"{ShownName}: element {element} must be {what}: the datatype is {datatype.Name}") { Field = Name };
    }

    /// <summary>Refuses elements that are not finite numbers, and names the first.</summary>
    public void CheckFinite()
    {
        if (fault is { } known)
            throw Invalid(known.Element, known.Problem);
        ReadOnlySpan<float> values = Values!.Span;
        if (AreFinite(values))
            return;
        for (int i = 0; i < values.Length; i++)
            if (!float.IsFinite(values[i]))
                throw Invalid(i, float.IsNaN(values[i]) ? "is NaN" : "is infinite, or too large for a 32-bit float");
    }

    /// <summary>The refusal of an element, with its place in the shape.</summary>
    public RequestException Invalid(long element, string problem)
    {
        string place = Place(element) is { Length: > 1 } indices ? $" (at [{string.Join(", ", indices)}])" : "";
        return new(ProblemKind.InvalidValue, $"{ShownName}: element {element}{place} {problem}; each element must be a finite number") { Field = Name };
    }

    /// <summary>An input that was not sent, for what is made of this one.</summary>
    public InputTensor Beside(string name) => new(index, limits, pool) { Name = name };

    public void Dispose() => Values?.Dispose();

    private int Left => limits.ValuesPerRequest - Values!.Length;

    private void CheckRoom(int more)
    {
        if (more > Left)
            throw new RequestException(ProblemKind.TooManyRows,
                $"{ShownName} holds more than {limits.ValuesPerRequest} elements; send fewer rows in one request, or raise Limits:ValuesPerRequest");
    }

    // Zero times a number is zero, unless it is infinite or NaN.
    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
            sum += vector * Vector<float>.Zero;
        float rest = Vector.Sum(sum);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            rest += value * 0;
        return rest == 0;
    }

    private long[] Place(long element)
    {
        if (Shape is not { Length: > 1 } shape || Array.Exists(shape, size => size < 1))
            return [];
        long[] place = new long[shape.Length];
        for (int i = shape.Length - 1; i >= 0; i--)
            (element, place[i]) = Math.DivRem(element, shape[i]);
        return element == 0 ? place : [];
    }
}
