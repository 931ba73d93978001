namespace FlowRows.Answers;

/// <summary>The factor by which samples' noise is scaled: the same bounds for every program and protocol.</summary>
internal static class Temperature
{
    public const double Most = 100;

    /// <exception cref="RowFault">It is not above 0, or is larger than that.</exception>
    public static double Checked(double temperature) => temperature > 0 && temperature <= Most ? temperature
        : throw new RowFault(RowFaultKind.InvalidArgument, $"temperature must lie above 0 and up to {Most}") { Field = "temperature" };
}
