namespace FlowService.OpenInference.Tensors;

/// <summary>One number as it was sent: a seed of 64 bits would not survive as a float. <c>Integer</c> is null for what is not an integer.</summary>
internal readonly record struct Scalar(Int128? Integer, double Number)
{
    // Beyond it a double says nothing about the last digit of what was meant.
    private const double MostExact = 1L << 53;

    public static Scalar Of(double number) => new(double.IsInteger(number) && Math.Abs(number) <= MostExact ? (Int128)number : null, number);
}
