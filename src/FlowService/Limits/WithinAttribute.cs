using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace FlowService.Limits;

/// <summary>
/// A number between two bounds, both allowed. Unlike <see cref="RangeAttribute"/> it keeps its own message in generated validators.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WithinAttribute(double least, double most) : ValidationAttribute
{
    public double Least => least;

    public double Most => most;

    public override bool IsValid(object? value) =>
        value is IConvertible number && number.ToDouble(CultureInfo.InvariantCulture) is var actual && actual >= least && actual <= most;
}
