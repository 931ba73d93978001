using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>
/// What a row's numbers depend on: not on its batch. To the bit where the engine promises it or the model is deterministic, within
/// 2e-5 relative to 1 + |value| elsewhere. The demo models, over HTTP, in random company.
/// </summary>
public sealed class ReproducibilityTests
{
    private const int Rows = 64, Requests = 1000, Clients = 16;
    private const float Tolerance = 2e-5f;

    [Theory, Trait("Engine", "compiled"), InlineData("two-moons"), InlineData("breast-cancer")]
    public Task A_row_has_the_same_bits_in_thousands_of_random_batches(string model) => InRandomBatchesAsync(model, "compiled", deterministic: false);

    [Theory]
    [InlineData("two-moons", false)]
    [InlineData("two-moons", true)]
    [InlineData("breast-cancer", false)]
    [InlineData("breast-cancer", true)]
    public Task A_row_has_the_same_numbers_in_thousands_of_random_batches_on_the_other_engine(string model, bool deterministic) =>
        InRandomBatchesAsync(model, "torch", deterministic);

    private static async Task InRandomBatchesAsync(string model, string engine, bool deterministic)
    {
        using TemporaryFolder repository = DemoModels.Repository(model);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null,
            ("Engine:Kind", engine), ($"Models:Overrides:{model}:Deterministic", $"{deterministic}"), ("Batching:BatchRows", "48"), ("Batching:DeadlineSeconds", "300"));
        using HttpClient http = host.Http();
        bool bits = host.Registry.Get(model, null).Served!.Engine.SameBitsInAnyBatch;
        Assert.Equal(deterministic || engine == "compiled", bits);
        JsonElement drawn = await http.AskAsync("/sample", $$"""{"model":"{{model}}","count":{{Rows}},"seed":3,"include":["z"]}""");
        float[][] x = drawn.Rows("samples"), z = drawn.Rows("z");
        JsonElement scored = await http.AskAsync("/logprob", $$"""{"model":"{{model}}","x":{{Json(x)}}}""");
        float[] logProb = scored.Floats("log_prob");
        float worst = 0;

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (i, _) =>
        {
            var random = new Random(i);
            int[] picked = [.. Enumerable.Range(0, random.Next(1, i % 50 == 0 ? 150 : 8)).Select(_ => random.Next(Rows))];
            (float[] expected, float[] actual) = (i % 3) switch
            {
                0 => (picked.Select(row => logProb[row]).ToArray(), (await http.AskAsync("/logprob", $$"""{"model":"{{model}}","x":{{Json(picked.Select(row => x[row]))}}}""")).Floats("log_prob")),
                1 => (picked.SelectMany(row => x[row]).ToArray(), Flat(await http.AskAsync("/decode", $$"""{"model":"{{model}}","z":{{Json(picked.Select(row => z[row]))}}}"""), "x")),
                _ => (x.Skip(picked[0]).Take(5).SelectMany(row => row).ToArray(),
                    Flat(await http.AskAsync("/sample", $$"""{"model":"{{model}}","seed":3,"offset":{{picked[0]}},"count":{{Math.Min(5, Rows - picked[0])}}}"""), "samples")),
            };
            Assert.Equal(expected.Length, actual.Length);
            for (int k = 0; k < expected.Length; k++)
                if (bits)
                    Assert.Equal(BitConverter.SingleToInt32Bits(expected[k]), BitConverter.SingleToInt32Bits(actual[k]));
                else
                    InterlockedMax(ref worst, MathF.Abs(expected[k] - actual[k]) / (1 + MathF.Abs(expected[k])));
        });

        TestContext.Current.TestOutputHelper?.WriteLine($"{model} on {engine}, deterministic {deterministic}: worst {worst:g3}");
        Assert.True(worst <= Tolerance, $"{model}: {worst:g3}");
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Shards_of_a_seed_agree_with_the_whole_bit_for_bit()
    {
        using TemporaryFolder repository = DemoModels.Repository("two-moons");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "100"));
        using HttpClient http = host.Http();
        const string Common = "\"model\":\"two-moons\",\"seed\":9,\"temperature\":0.8,\"include\":[\"z\"]";
        JsonElement whole = await http.AskAsync("/sample", $$"""{{{Common}},"count":1000,"offset":5000}""");
        JsonElement[] shards = await Task.WhenAll(Enumerable.Range(0, 7).Select(i =>
            http.AskAsync("/sample", $$"""{{{Common}},"count":{{(i < 6 ? 150 : 100)}},"offset":{{5000 + 150 * i}}}""")));

        foreach (string output in (string[])["samples", "z"])
            Assert.Equal(whole.Rows(output), shards.SelectMany(shard => shard.Rows(output)));
        foreach (string output in (string[])["log_prob", "log_q"])
            Assert.Equal(whole.Floats(output), shards.SelectMany(shard => shard.Floats(output)));
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Requests_of_other_seeds_and_temperatures_do_not_affect_each_other()
    {
        using TemporaryFolder repository = DemoModels.Repository("two-moons");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "48"), ("Batching:DeadlineSeconds", "300"));
        using HttpClient http = host.Http();
        string[] bodies = [.. Enumerable.Range(0, 24).Select(i => $$"""{"model":"two-moons","seed":{{i / 3}},"count":{{1 + i}},"temperature":{{(0.5 + i % 3 * 0.5).ToString(CultureInfo.InvariantCulture)}}}""")];
        var alone = new List<string>();
        foreach (string body in bodies)
            alone.Add((await http.AskAsync("/sample", body)).GetRawText());
        var together = new ConcurrentBag<(int Request, string Answer)>();
        await Parallel.ForAsync(0, 10 * bodies.Length, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (i, _) =>
            together.Add((i % bodies.Length, (await http.AskAsync("/sample", bodies[i % bodies.Length])).GetRawText())));

        Assert.All(together, each => Assert.Equal(alone[each.Request], each.Answer));
        Assert.Equal(alone.Count, alone.Distinct().Count());
    }

    private static float[] Flat(JsonElement answer, string name) => [.. answer.Rows(name).SelectMany(row => row)];

    // Nine digits bring a float32 through text unchanged; the service writes the shortest that does.
    private static string Json(IEnumerable<float[]> rows) =>
        $"[{string.Join(',', rows.Select(row => $"[{string.Join(',', row.Select(value => value.ToString("g9", CultureInfo.InvariantCulture)))}]"))}]";

    private static void InterlockedMax(ref float worst, float value)
    {
        for (float now = Volatile.Read(ref worst); value > now || float.IsNaN(value); now = Volatile.Read(ref worst))
            if (Interlocked.CompareExchange(ref worst, value, now) == now)
                return;
    }
}
