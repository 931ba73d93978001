using FlowCore.Checkpoints;

namespace FlowCore.Tests.Checkpoints;

/// <summary>Which folders are versions of a model, for the service and the command line alike.</summary>
public sealed class VersionNameTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("2147483647", int.MaxValue)]
    [InlineData("2147483648", null)]
    [InlineData("0", null)]
    [InlineData("01", null)]
    [InlineData("+1", null)]
    [InlineData(" 1", null)]
    [InlineData("latest", null)]
    [InlineData("", null)]
    public void Versions_are_whole_numbers_from_1_on_without_zeros_before_them(string name, int? version) => Assert.Equal(version, VersionName.Of(name));
}
