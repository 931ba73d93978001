using System.Reflection;
using FlowService.Startup;

namespace FlowService.Tests.Startup;

public sealed class KnownSettingsTests
{
    [Fact]
    public void Every_section_of_the_service_is_known()
    {
        Type[] withSection = [.. typeof(KnownSettings).Assembly.GetTypes().Where(type =>
            type.Name.EndsWith("Options", StringComparison.Ordinal) && type.GetField("Section", BindingFlags.Public | BindingFlags.Static) is not null)];

        Assert.NotEmpty(withSection);
        Assert.All(withSection, type => Assert.Contains(((string)type.GetField("Section")!.GetValue(null)!, type), KnownSettings.Sections));
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("port", "sport", 1)]
    [InlineData("batchrow", "batchrows", 1)]
    public void The_distance_counts_letters_put_in_taken_out_or_replaced(string from, string to, int distance)
    {
        Assert.Equal(distance, NearestName.Distance(from, to));
        Assert.Equal(distance, NearestName.Distance(to, from));
    }
}
