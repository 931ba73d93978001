using FlowService.Shadow;
using FlowService.Tests.Support;

namespace FlowService.Tests.Shadow;

/// <summary>What comparisons take of the time.</summary>
public sealed class ComparisonPaceTests
{
    private readonly ManualTime time = new();

    [Theory]
    [InlineData(0.003)]
    [InlineData(0.25)]
    public void Comparisons_take_their_share_of_the_time_and_no_more_however_long_each_is(double share)
    {
        var pace = new ComparisonPace(time);
        var random = new Random(1);
        double comparing = 0, passed = 0;
        while (passed < 3_600_000)
        {
            double took = 0.5;
            if (pace.TryBegin())
            {
                took = 0.1 + 20 * random.NextDouble();
                comparing += took;
                time.Advance(TimeSpan.FromMilliseconds(took));
                Assert.False(pace.TryBegin()); // one at a time
                pace.End(share);
            }
            else
                time.Advance(TimeSpan.FromMilliseconds(took));
            passed += took;
        }
        Assert.InRange(comparing / passed, 0.95 * share, 1.005 * share);
    }

    [Fact]
    public void A_comparison_that_stood_behind_requests_pauses_for_what_it_computed_alone()
    {
        var pace = new ComparisonPace(time);
        Assert.True(pace.TryBegin());
        time.Advance(TimeSpan.FromSeconds(5) + TimeSpan.FromMilliseconds(1));
        pace.End(0.01, waited: TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromMilliseconds(98));
        Assert.False(pace.TryBegin());
        time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.True(pace.TryBegin());
    }

    [Fact]
    public void A_share_of_nothing_does_not_end_comparisons_for_ever()
    {
        var pace = new ComparisonPace(time);
        Assert.True(pace.TryBegin());
        time.Advance(TimeSpan.FromSeconds(1));
        pace.End(0);
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(pace.TryBegin());
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(pace.TryBegin());
    }
}
