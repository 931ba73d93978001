using System.Globalization;

namespace FlowRows.Answers;

/// <summary>The factor by which samples' noise is scaled: one rule, in the same words, for every program and protocol.</summary>
internal static class Temperature
{
    private const string Name = "temperature";

    public const double Most = 100;

    /// <exception cref="RowFault">It is not above 0 as a 32-bit float, or is larger than that.</exception>
    public static double Checked(double temperature) => Fault(Name, temperature) is { } fault
        ? throw new RowFault(RowFaultKind.InvalidArgument, fault) { Field = Name } : temperature;

    /// <summary>What is wrong with it; null where it lies above 0, as a 32-bit float, and up to <see cref="Most"/>.</summary>
    /// <param name="name">What the user calls it.</param>
    /// <param name="temperature">The factor.</param>
    public static string? Fault(string name, double temperature) => (float)temperature > 0 && temperature <= Most
        ? null : string.Create(CultureInfo.InvariantCulture, $"{name} must lie above 0 and up to {Most}; it is {temperature}{(temperature > 0 && (float)temperature == 0 ? ", which is 0 in 32 bits" : "")}");
}
