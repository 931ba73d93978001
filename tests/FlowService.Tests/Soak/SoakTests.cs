extern alias campaign;

using System.Globalization;
using campaign::Soak;

namespace FlowService.Tests.Soak;

/// <summary>
/// A minute of <c>tests/Soak</c> on each engine, at once: clients that think between two requests leave the other tests their share of the machine, and
/// what is looked at is the services' own. <c>dotnet test --filter Category!=Soak</c> leaves it out.
/// </summary>
[Trait("Category", "Soak")]
public sealed class SoakTests
{
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1), Pause = TimeSpan.FromMilliseconds(400);

    // The compiled engine computes on the CPU alone; tests/gpu.sh names another device.
    private static readonly string[] Engines =
        Environment.GetEnvironmentVariable("Torch__Device") is null or "cpu" ? ["compiled", "torch"] : ["torch"];

    [Fact]
    public async Task In_a_minute_of_mixed_load_and_trouble_every_answer_is_right_and_nothing_leaks()
    {
        await Task.WhenAll(Engines.Select(async engine =>
        {
            using var output = new StringWriter(CultureInfo.InvariantCulture);
            bool passed = await Campaign.RunAsync(new CampaignPlan(Length, Seed: 1, engine, Pause), output);
            Assert.True(passed, output.ToString());
        }));
    }
}
