using System.Net;
using System.Text;
using System.Text.Json;
using FlowCore;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Http;

/// <summary>A model of two features and two columns of categories, over HTTP.</summary>
public sealed class CategoryTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        FlowSpec spec = TestModels.Spec("mixed", 2, new ContextSpec { Classes = 3, Categories = new(["colour", "size"], [["red", "1"], ["red", "2"], ["blue", "1"]], [60, 30, 10]) });
        TestModels.Write(repository.Path, spec with { Features = ["a", "b"] });
        TestModels.Write(repository.Path, TestModels.Spec("classes", 2, new ContextSpec { Classes = 3 }));
        host = await ServiceHost.StartAsync(repository.Path);
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task The_log_density_is_that_of_the_class_and_its_log_frequency()
    {
        float[] given = (await http.AskAsync("/logprob", """{"model":"classes","x":[[0.5,1],[0.5,1],[0.5,1]],"context":[0,1,2]}""")).Floats("log_prob");
        float[] objects = (await http.AskAsync("/logprob",
            """{"model":"mixed","x":[{"a":0.5,"b":1,"colour":"red","size":1},{"a":0.5,"b":1,"colour":"red","size":"2.0"},{"size":1,"a":0.5,"b":1,"colour":"blue"}]}""")).Floats("log_prob");
        float[] arrays = (await http.AskAsync("/logprob", """{"model":"mixed","x":[[0.5,1],[0.5,1],[0.5,1]],"context":[0,1,2]}""")).Floats("log_prob");
        string csv = await http.CsvAsync("/logprob?model=mixed", "b,a,size,colour\n1,0.5,1,red\n1,0.5,2,red\n1,0.5,1,blue\n");

        Assert.Equal([.. given.Zip((double[])[0.6, 0.3, 0.1], (p, share) => p + (float)Math.Log(share))], objects, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(objects, arrays);
        Assert.Equal(objects, csv.TrimEnd('\n').Split('\n').Skip(1).Select(float.Parse));
    }

    [Fact]
    public async Task An_unseen_category_is_refused_or_answered_with_its_reason_and_counted()
    {
        using MetricCollector<long> odd = host.Metric<long>("flowservice.rows.odd");
        const string rows = """[{"a":0.5,"b":1,"colour":"red","size":1},{"a":0.5,"b":1,"colour":"green","size":1},{"a":0.5,"b":1,"colour":"blue","size":2},{"a":0.5,"b":1,"colour":null,"size":2}]""";

        JsonElement refused = await http.RefusedAsync("/logprob", $$"""{"model":"mixed","x":{{rows}}}""", HttpStatusCode.UnprocessableEntity);
        JsonElement answer = await http.AskAsync("/logprob", $$"""{"model":"mixed","on_error":"null","x":{{rows}}}""");

        Assert.Equal(("unseen-category", 1), (refused.Type(), refused.GetProperty("row").GetInt32()));
        Assert.Contains("'green'", refused.Detail(), StringComparison.Ordinal);
        string?[] errors = [.. answer.GetProperty("error").EnumerateArray().Select(error => error.GetString())];
        Assert.Null(errors[0]);
        Assert.Contains("'red', 'blue'", errors[1], StringComparison.Ordinal);
        Assert.Contains("together", errors[2], StringComparison.Ordinal);
        Assert.Contains("is empty", errors[3], StringComparison.Ordinal);
        Assert.Equal([("unreadable", 1L), ("unseen_category", 2L)], odd.GetMeasurementSnapshot().Select(each => ((string)each.Tags["reason"]!, each.Value)));
    }

    [Theory]
    [InlineData("application/json", """{"model":"mixed","x":[{"a":0.5,"b":1,"colour":"blue","size":2}]}""")]
    [InlineData("text/csv", "a,b,colour,size\n0.5,1,blue,2\n")]
    [InlineData("application/x-ndjson", """{"a":0.5,"b":1,"colour":"blue","size":2}""")]
    public async Task Categories_that_never_stand_together_are_refused_and_leave_no_buffer(string type, string body)
    {
        string path = type == "application/json" ? "/logprob" : "/logprob?model=mixed";
        using HttpResponseMessage answer = await http.PostAsync(path, Encoding.UTF8.GetBytes(body), type);

        Assert.Equal("unseen-category", (await Calls.ProblemAsync(answer, HttpStatusCode.UnprocessableEntity)).Type());
        await host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task Samples_of_a_class_say_the_density_that_scoring_them_gives()
    {
        JsonElement drawn = await http.AskAsync("/sample", """{"model":"mixed","count":3,"seed":1,"context":[1],"temperature":0.5}""");
        JsonElement scored = await http.AskAsync("/logprob", $$"""{"model":"mixed","x":{{drawn.GetProperty("samples").GetRawText()}},"context":[1]}""");

        Assert.Equal(drawn.Floats("log_prob"), scored.Floats("log_prob"), (a, b) => Math.Abs(a - b) < 1e-4);
    }
}
