using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

public sealed class ContextTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task Each_row_has_its_context_or_one_serves_all()
    {
        const string rows = "[[1,2,3],[1,2,3],[1,2,3]]";
        float[] each = (await http.AskAsync("/logprob", $$"""{"model":"posterior","x":{{rows}},"context":[[0,1],[5,5],[0,1]]}""")).Floats("log_prob");
        float[] single = (await http.AskAsync("/logprob", $$"""{"model":"posterior","context":[[0,1]],"x":{{rows}}}""")).Floats("log_prob");
        float[] flat = (await http.AskAsync("/logprob", $$"""{"model":"posterior","context":[0,1],"x":{{rows}}}""")).Floats("log_prob");

        Assert.Equal(each[0], each[2], Near.Float);
        Assert.NotEqual(each[0], each[1], Near.Float);
        Assert.Equal([each[0], each[0], each[0]], single, Near.Float);
        Assert.Equal(single, flat);
    }

    [Fact]
    public async Task A_class_may_stand_alone_in_a_list_or_in_rows()
    {
        const string rows = "[[1,2,3,4],[1,2,3,4]]";
        float[] bare = (await http.AskAsync("/logprob", $$"""{"model":"digits","x":{{rows}},"context":2}""")).Floats("log_prob");
        float[] list = (await http.AskAsync("/logprob", $$"""{"model":"digits","x":{{rows}},"context":[2,0]}""")).Floats("log_prob");
        float[] nested = (await http.AskAsync("/logprob", $$"""{"model":"digits","x":{{rows}},"context":[[2],[0]]}""")).Floats("log_prob");

        Assert.Equal(bare[0], bare[1], Near.Float);
        Assert.Equal(bare[0], list[0], Near.Float);
        Assert.NotEqual(list[0], list[1], Near.Float);
        Assert.Equal(list, nested);
    }

    [Fact]
    public async Task Samples_come_in_the_order_context_then_sample()
    {
        JsonElement sampled = await http.AskAsync("/sample", """{"model":"digits","count":3,"seed":1,"context":[0,2]}""");
        JsonElement scored = await http.AskAsync(
            "/logprob", $$"""{"model":"digits","x":{{sampled.GetProperty("samples")}},"context":[0,0,0,2,2,2]}""");

        Assert.Equal(6, sampled.Rows("samples").Length);
        Assert.Equal(scored.Floats("log_prob"), sampled.Floats("log_prob"), Near.Float);
    }

    [Theory]
    [InlineData("/logprob", """{"model":"posterior","x":[[1,2,3]]}""", "2 values")]
    [InlineData("/logprob", """{"model":"digits","x":[[1,2,3,4]]}""", "0..2")]
    [InlineData("/logprob", """{"model":"two-moons","x":[[1,2]],"context":[[1]]}""", "takes no context")]
    [InlineData("/logprob", """{"model":"digits","x":[[1,2,3,4]],"context":[3]}""", "row 0 is 3")]
    [InlineData("/logprob", """{"model":"digits","x":[[1,2,3,4]],"context":[0.5]}""", "row 0 is 0.5")]
    [InlineData("/logprob", """{"model":"digits","x":[[1,2,3,4]],"context":[-1]}""", "row 0 is -1")]
    [InlineData("/logprob", """{"model":"digits","x":[[1,2,3,4],[1,2,3,4],[1,2,3,4]],"context":[0,1]}""", "2 rows for 3 rows")]
    [InlineData("/sample", """{"model":"digits","count":2,"context":[]}""", "no rows")]
    [InlineData("/sample", """{"model":"digits","count":2}""", "missing")]
    public async Task Context_that_does_not_fit_is_refused(string path, string body, string words)
    {
        JsonElement problem = await http.RefusedAsync(path, body, HttpStatusCode.UnprocessableEntity);

        Assert.Equal("wrong-context", problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_context_row_of_the_wrong_width_is_named()
    {
        JsonElement problem = await http.RefusedAsync(
            "/logprob", """{"model":"posterior","x":[[1,2,3],[1,2,3]],"context":[[1,2],[1]]}""", HttpStatusCode.UnprocessableEntity);

        Assert.Equal("wrong-width", problem.Type());
        Assert.Equal(1, problem.GetProperty("row").GetInt32());
        Assert.Equal("context", problem.GetProperty("field").GetString());
    }
}
