using System.Globalization;

namespace FlowService.Tests.Soak;

/// <summary>
/// Simulated traffic: an hour of each of two seeds, or, with <c>SIMULATED_DAYS=20 SIMULATED_SEED=1</c>, so many days from that seed on. A failure names its seed, which makes it happen again.
/// </summary>
public sealed class SimulationTests
{
    private static readonly int Days = int.Parse(Environment.GetEnvironmentVariable("SIMULATED_DAYS") ?? "0", CultureInfo.InvariantCulture);
    private static readonly ulong First = ulong.Parse(Environment.GetEnvironmentVariable("SIMULATED_SEED") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public void Every_client_gets_the_answer_to_its_own_rows_or_a_refusal_and_no_place_is_lost()
    {
        int days = Days > 0 ? Days : 2;
        TimeSpan length = Days > 0 ? TimeSpan.FromDays(1) : TimeSpan.FromHours(1);
        for (ulong seed = First; seed < First + (ulong)days; seed++)
        {
            using var day = new SimulatedDay(seed, engines: 1 + (int)(seed % 2));
            day.Live(length);
            TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {day.Answered} answered, {day.Refused} refused, {day.GivenUp} given up, {day.Batches} batches");
            Assert.True(day is { Answered: > 1000, Refused: > 10, GivenUp: > 10 }, $"seed {seed} is too calm a day to show anything");
        }
    }

    [Fact]
    public void The_same_seed_is_the_same_day()
    {
        using SimulatedDay one = new(7, 2), two = new(7, 2), other = new(8, 2);
        TimeSpan length = TimeSpan.FromMinutes(20);
        one.Live(length);
        two.Live(length);
        other.Live(length);

        Assert.Equal((one.Answered, one.Refused, one.GivenUp, one.Batches), (two.Answered, two.Refused, two.GivenUp, two.Batches));
        Assert.NotEqual((one.Answered, one.Batches), (other.Answered, other.Batches));
    }
}
