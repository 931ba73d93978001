using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

public sealed class SeedTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Fact, Trait("Engine", "compiled")]
    public async Task The_same_seed_gives_the_same_rows()
    {
        JsonElement first = await http.AskAsync("/sample", """{"model":"two-moons","count":10,"seed":42}""");
        JsonElement again = await http.AskAsync("/sample", """{"model":"two-moons","count":10,"seed":42}""");
        JsonElement other = await http.AskAsync("/sample", """{"model":"two-moons","count":10,"seed":43}""");

        Assert.Equal(first.GetRawText(), again.GetRawText());
        Assert.NotEqual(first.Rows("samples")[0], other.Rows("samples")[0]);
    }

    [Fact]
    public async Task Ten_rows_are_the_beginning_of_a_thousand()
    {
        JsonElement few = await http.AskAsync("/sample", """{"model":"two-moons","count":10,"seed":42,"include":["z"]}""");
        JsonElement many = await http.AskAsync("/sample", """{"model":"two-moons","count":1000,"seed":42,"include":["z"]}""");

        Assert.Equal(few.Rows("z"), many.Rows("z").Take(10)); // the noise, to the bit
        Assert.All(few.Rows("samples").Zip(many.Rows("samples")), pair => Assert.Equal(pair.First, pair.Second, Near.Float));
    }

    [Fact]
    public async Task An_offset_goes_on_where_another_request_ended()
    {
        JsonElement whole = await http.AskAsync("/sample", """{"model":"two-moons","count":50,"seed":42,"include":["z"]}""");
        JsonElement part = await http.AskAsync("/sample", """{"model":"two-moons","count":20,"offset":30,"seed":42,"include":["z"]}""");
        JsonElement far = await http.AskAsync("/sample", """{"model":"two-moons","count":1,"offset":9222246136947933183,"seed":42}""");

        Assert.Equal(whole.Rows("z").Skip(30), part.Rows("z"));
        Assert.Single(far.Rows("samples"));
    }

    [Fact]
    public async Task An_offset_of_a_conditional_model_counts_rows_of_the_answer()
    {
        JsonElement whole = await http.AskAsync("/sample", """{"model":"digits","count":4,"context":[[0],[1],[2]],"seed":1,"include":["z"]}""");
        JsonElement last = await http.AskAsync("/sample", """{"model":"digits","count":4,"context":[[2]],"offset":8,"seed":1,"include":["z"]}""");

        Assert.Equal(whole.Rows("z").Skip(8), last.Rows("z"));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9223372036854775807")]
    [InlineData("9222246136947933184")]
    [InlineData("9223372036854775808")]
    [InlineData("1.5")]
    [InlineData("\"1\"")]
    public async Task An_offset_that_is_no_row_is_refused(string offset)
    {
        JsonElement problem = await http.RefusedAsync("/sample", $$"""{"model":"two-moons","count":1,"offset":{{offset}}}""", System.Net.HttpStatusCode.UnprocessableEntity);

        Assert.Equal(("invalid-argument", "offset"), (problem.Type(), problem.GetProperty("field").GetString()));
        Assert.Contains("0..9222246136947933183", problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_priority_is_interactive_or_bulk()
    {
        await http.AskAsync("/sample", """{"model":"two-moons","count":1,"priority":"bulk"}""");
        JsonElement problem = await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,1]],"priority":"high"}""", System.Net.HttpStatusCode.UnprocessableEntity);

        Assert.Contains("interactive or bulk", problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_requests_in_the_same_batch_do_not_change_the_rows()
    {
        JsonElement alone = await http.AskAsync("/sample", """{"model":"two-moons","count":20,"seed":5,"temperature":0.7,"include":["z"]}""");
        Task<JsonElement>[] crowd = [.. Enumerable.Range(0, 40).Select(i => i % 4 == 0
            ? http.AskAsync("/sample", """{"model":"two-moons","count":20,"seed":5,"temperature":0.7,"include":["z"]}""")
            : http.AskAsync("/sample", $$"""{"model":"two-moons","count":{{i}},"seed":{{i}},"temperature":1.{{i}}}"""))];
        await Task.WhenAll(crowd);

        foreach (Task<JsonElement> same in crowd.Where((_, i) => i % 4 == 0))
        {
            Assert.Equal(alone.Rows("z"), (await same).Rows("z"));
            Assert.All(alone.Rows("samples").Zip((await same).Rows("samples")), pair => Assert.Equal(pair.First, pair.Second, Near.Float));
        }
    }

    [Fact]
    public async Task A_seed_that_is_left_out_is_drawn_and_returned_and_can_be_sent_back()
    {
        JsonElement drawn = await http.AskAsync("/sample", """{"model":"two-moons","count":3}""");
        JsonElement other = await http.AskAsync("/sample", """{"model":"two-moons","count":3}""");
        ulong seed = drawn.GetProperty("seed").GetUInt64();
        JsonElement again = await http.AskAsync("/sample", $$"""{"model":"two-moons","count":3,"seed":{{seed}}}""");

        Assert.NotEqual(seed, other.GetProperty("seed").GetUInt64());
        Assert.InRange(seed, 0ul, 1ul << 53);
        Assert.Equal(drawn.GetRawText(), again.GetRawText());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("18446744073709551615")]
    public async Task Every_64_bit_seed_is_taken(string seed)
    {
        JsonElement answer = await http.AskAsync("/sample", $$"""{"model":"two-moons","count":1,"seed":{{seed}}}""");

        Assert.Equal(seed, answer.GetProperty("seed").GetRawText());
    }
}
