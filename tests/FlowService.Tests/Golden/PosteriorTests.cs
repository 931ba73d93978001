using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Golden;

/// <summary>A posterior estimator that was trained with sbi: what a simulator's user asks of it.</summary>
[Collection(nameof(GoldenService))]
public sealed class PosteriorTests(GoldenService service)
{
    private const string Name = "nflows/sbi_maf_cond";
    private const int Count = 5, Width = 3, ContextWidth = 5;
    private const ulong Seed = 11;

    /// <summary>Three observations of the golden cases whose posteriors lie far apart.</summary>
    private static readonly int[] Observations = [0, 8, 31];

    private float[][] Contexts
    {
        get
        {
            float[][] all = GoldenService.Rows(service[Name].Values("context"), ContextWidth);
            return [.. Observations.Select(row => all[row])];
        }
    }

    [Fact]
    public async Task Samples_equal_a_loop_over_single_requests_with_the_same_noise()
    {
        JsonElement answer = await SampleAsync(Count, Contexts);

        float[][] samples = answer.Rows("samples");
        Assert.Equal(Contexts.Length * Count, samples.Length);
        Assert.All(samples, row => Assert.Equal(Width, row.Length));
        for (int context = 0; context < Contexts.Length; context++)
        {
            // Row i of a seed has noise row i. One context alone, asked for that many more rows, ends with the same noise.
            float[][] alone = (await SampleAsync(Count * (context + 1), [Contexts[context]])).Rows("samples");
            Assert.Equal(samples[(context * Count)..((context + 1) * Count)].SelectMany(row => row), alone[^Count..].SelectMany(row => row), Near.Float);
        }
    }

    [Fact]
    public async Task Samples_equal_their_latents_decoded_one_by_one()
    {
        JsonElement answer = await SampleAsync(Count, Contexts);

        float[][] samples = answer.Rows("samples"), latents = answer.Rows("z");
        for (int i = 0; i < samples.Length; i++)
        {
            JsonElement single = await service.AskAsync(Name, "/decode", "z", Wide(latents[i]), Wide(Contexts[i / Count]));
            Assert.Equal(samples[i], single.Rows("x")[0], Near.Float);
        }
    }

    [Fact]
    public async Task Log_densities_of_samples_are_those_of_logprob_under_their_own_context()
    {
        JsonElement answer = await SampleAsync(Count, Contexts);

        double[] repeated = [.. Contexts.SelectMany(context => Enumerable.Repeat(Wide(context), Count)).SelectMany(row => row)];
        JsonElement scored = await service.AskAsync(Name, "/logprob", "x", Wide([.. answer.Rows("samples").SelectMany(row => row)]), repeated);
        Assert.Equal(answer.Floats("log_prob"), scored.Floats("log_prob"), EqualityComparer<float>.Create((a, b) => MathF.Abs(a - b) <= 1e-3f, _ => 0));
    }

    [Fact]
    public async Task Contexts_whose_posteriors_do_not_overlap_never_mix()
    {
        const int Many = 200;
        // A posterior has tails: single rows may come within a few nats, the typical row is far away.
        const double Closest = 1, Typical = 15;
        float[][] samples = (await SampleAsync(Many, Contexts)).Rows("samples");
        float[][] scores = await Task.WhenAll(Contexts.Select(async context =>
            (await service.AskAsync(Name, "/logprob", "x", Wide([.. samples.SelectMany(row => row)]), Wide(context))).Floats("log_prob")));

        for (int own = 0; own < Contexts.Length; own++)
            for (int other = 0; other < Contexts.Length; other++)
            {
                if (other == own)
                    continue;
                float[] lead = [.. Enumerable.Range(own * Many, Many).Select(row => scores[own][row] - scores[other][row]).Order()];
                Assert.True(lead[0] > Closest && lead[Many / 2] > Typical,
                    $"samples of context {own} lead by {lead[0]} nats at least and {lead[Many / 2]} typically over context {other}");
            }
    }

    private Task<JsonElement> SampleAsync(int count, float[][] contexts) => service.Http.AskAsync("/sample", JsonSerializer.Serialize(
        new { model = GoldenService.Served(Name), count, seed = Seed, context = contexts, include = new[] { "z" } }));

    private static double[] Wide(float[] values) => Array.ConvertAll(values, value => (double)value);
}
