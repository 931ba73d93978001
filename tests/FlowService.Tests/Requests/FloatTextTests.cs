using System.Globalization;
using System.Text;
using CsCheck;
using FlowRows;

namespace FlowService.Tests.Requests;

public sealed class FloatTextTests
{
    private static readonly Gen<float> Floats = Gen.UInt.Select(BitConverter.UInt32BitsToSingle).Where(float.IsFinite);
    private static readonly Gen<float> Ordinary = Gen.Float[-1000, 1000];

    [Fact]
    public void Reads_every_float_that_is_written_shortest_back_to_the_bit() =>
        Gen.OneOf(Floats, Ordinary).Sample(value => Check(value.ToString("R", CultureInfo.InvariantCulture)), iter: 100_000);

    [Fact]
    public void Reads_doubles_as_the_nearest_float() =>
        Gen.OneOf(Gen.Double[-1e4, 1e4], Gen.Double[-1e38, 1e38], Gen.Double[-1e-30, 1e-30]).Sample(
            value => Check(value.ToString("R", CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal)), iter: 100_000);

    [Fact]
    public void Rounds_rightly_at_the_middle_between_two_floats_and_right_beside_it() =>
        Ordinary.Where(value => value != 0).Sample(value =>
        {
            double middle = ((double)value + MathF.BitIncrement(value)) / 2;
            foreach (double near in (double[])[middle, double.BitIncrement(middle), double.BitDecrement(middle)])
                Check(near.ToString("F17", CultureInfo.InvariantCulture));
        }, iter: 20_000);

    [Fact]
    public void Reads_decimals_of_any_length_and_size_as_the_nearest_float() => Gen.Select(Gen.Double[-1, 1], Gen.Int[0, 9], Gen.Int[0, 20]).Sample(
        (share, size, decimals) => Check((share * Math.Pow(10, size)).ToString($"F{decimals}", CultureInfo.InvariantCulture)), iter: 100_000);

    [Fact]
    public void Reads_decimals_of_sixteen_digits_at_most_as_the_nearest_double() => Gen.Select(Gen.Long[0, 9_999_999_999_999_999], Gen.Int[0, 15], Gen.Bool).Sample((integer, decimals, isNegative) =>
    {
        string digits = integer.ToString("D16", CultureInfo.InvariantCulture).TrimStart('0').PadLeft(decimals + 1, '0');
        string text = $"{(isNegative ? "-" : "")}{digits[..^decimals]}{(decimals > 0 ? "." : "")}{digits[^decimals..]}";
        bool isRead = FloatText.TryRead(Encoding.ASCII.GetBytes(text + ",-7.25,1234567.1234567,0.000000012345678901234"), text.Length, out double value);
        Assert.True(!isRead || double.Parse(text, CultureInfo.InvariantCulture).Equals(value), text);
        Assert.True(isRead || digits.Length > 15 || digits.Length - decimals > 7 || !System.Runtime.Intrinsics.X86.Ssse3.IsSupported, text);
    }, iter: 100_000);

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-0.0e5")]
    [InlineData("0.1")]
    [InlineData("1E+2")]
    [InlineData("1e-2")]
    [InlineData("0.000000000000000000000000000000000001")]
    [InlineData("1e-45")]
    [InlineData("1e-46")]
    [InlineData("3.4028235e38")]
    [InlineData("1e99999999999")]
    [InlineData("1.17549435E-38")]
    [InlineData("16777217")]
    [InlineData("562500000.00000000000")] // a middle
    [InlineData("9007199254740993")]
    [InlineData("18446744073709551616")]
    [InlineData("123456789012345678901234567890")]
    public void Reads_numbers_at_the_edges(string text) => Check(text);

    [Theory]
    [InlineData("1")]
    [InlineData("1.5")]
    [InlineData("1e5")]
    [InlineData("01,")]
    [InlineData("-,")]
    [InlineData("+1,")]
    [InlineData(".5,")]
    [InlineData("1.,")]
    [InlineData("1.e5,")]
    [InlineData("1e,")]
    [InlineData("1e+,")]
    [InlineData("NaN,")]
    [InlineData("\"1\",")]
    [InlineData("1e39,")]
    [InlineData("")]
    public void Leaves_alone_what_is_no_number_or_might_go_on(string text)
    {
        Assert.Equal(0, FloatText.Read(Encoding.ASCII.GetBytes(text), out _));
        Assert.Equal(0, FloatText.ReadQuickly(Encoding.ASCII.GetBytes(text), out _));
        if (text.Contains(','))
            Assert.Equal(0, FloatText.ReadQuickly(Encoding.ASCII.GetBytes(text.PadRight(40, '7')), out _));
    }

    private static void Check(string text)
    {
        float expected = float.Parse(text, CultureInfo.InvariantCulture);
        int length = FloatText.Read(Encoding.ASCII.GetBytes(text + ","), out float value);
        if (float.IsFinite(expected) && length > 0)
            Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(value));
        Assert.Equal(float.IsFinite(expected) && !text.Contains("e9999", StringComparison.Ordinal) ? text.Length : 0, length);
        // With much behind it, in the middle of a body, it is read in another way.
        foreach (string rest in (string[])[",-7.25,1234567.1234567,0.000000012345678901234", "],[999999999999999999999999999999999", " 1.2.3e5"])
        {
            Assert.Equal(length, FloatText.ReadQuickly(Encoding.ASCII.GetBytes(text + rest), out float quick));
            if (length > 0)
                Assert.Equal(BitConverter.SingleToUInt32Bits(value), BitConverter.SingleToUInt32Bits(quick));
            // Where its length is known: as a float, and, where it is short, as a double.
            Assert.Equal(length > 0, FloatText.TryRead(Encoding.ASCII.GetBytes(text + rest), text.Length, out quick));
            Assert.True(length == 0 || BitConverter.SingleToUInt32Bits(value) == BitConverter.SingleToUInt32Bits(quick), text);
            if (FloatText.TryRead(Encoding.ASCII.GetBytes(text + rest), text.Length, out double exact))
                Assert.Equal(BitConverter.DoubleToUInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)), BitConverter.DoubleToUInt64Bits(exact));
        }
    }
}
