using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.OpenInference;

/// <summary>What the service says of itself and its models, in the form that clients of the protocol read.</summary>
public sealed class V2MetadataTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Theory]
    [InlineData("/v2")]
    [InlineData("/v2/")]
    public async Task The_server_names_itself_and_its_extensions(string path)
    {
        JsonElement server = await http.GetAsync(path).OkAsync();

        Assert.Equal("flowservice", server.GetProperty("name").GetString());
        Assert.NotEmpty(server.GetProperty("version").GetString()!);
        Assert.Equal(
            ["binary_tensor_data", "model_configuration", "model_repository", "parameters", "schedule_policy", "statistics"],
            server.GetProperty("extensions").EnumerateArray().Select(extension => extension.GetString()));
    }

    [Fact]
    public async Task Health_has_the_words_that_clients_look_for()
    {
        Assert.Equal("""{"live":true}""", (await http.GetAsync("/v2/health/live").OkAsync()).GetRawText());
        Assert.Equal("""{"ready":true,"live":true}""", (await http.GetAsync("/v2/health/ready").OkAsync()).GetRawText());
        Assert.Equal("""{"name":"two-moons.sample","ready":true}""", (await http.GetAsync("/v2/models/two-moons.sample/ready").OkAsync()).GetRawText());
    }

    [Theory]
    [InlineData("two-moons", "x FP32 [-1,2]", "log_prob FP32 [-1]; z FP32 [-1,2]; log_det FP32 [-1]")]
    [InlineData("two-moons/versions/1", "x FP32 [-1,2]", "log_prob FP32 [-1]; z FP32 [-1,2]; log_det FP32 [-1]")]
    [InlineData("two%2Dmoons.decode", "z FP32 [-1,2]", "x FP32 [-1,2]; log_det FP32 [-1]")]
    [InlineData("two-moons.sample", "num_samples INT64 [1]; seed INT64 [1]; temperature FP32 [1]; offset INT64 [1]",
        "samples FP32 [-1,2]; log_prob FP32 [-1]; log_q FP32 [-1]")]
    [InlineData("posterior", "x FP32 [-1,3]; context FP32 [-1,2]", "log_prob FP32 [-1]; z FP32 [-1,3]; log_det FP32 [-1]")]
    [InlineData("digits.decode", "z FP32 [-1,4]; context INT64 [-1,1]", "x FP32 [-1,4]; log_det FP32 [-1]")]
    public async Task A_flow_is_three_models_and_each_says_what_it_takes(string model, string inputs, string outputs)
    {
        JsonElement metadata = await http.GetAsync($"/v2/models/{model}").OkAsync();

        Assert.Equal(model.Replace("%2D", "-", StringComparison.Ordinal).Split('/')[0], metadata.GetProperty("name").GetString());
        Assert.Equal("""["1"]""", metadata.GetProperty("versions").GetRawText());
        Assert.StartsWith("flowservice_", metadata.GetProperty("platform").GetString(), StringComparison.Ordinal);
        Assert.Equal(inputs, Tensors(metadata.GetProperty("inputs")));
        Assert.Equal(outputs, Tensors(metadata.GetProperty("outputs")));
    }

    [Fact]
    public async Task The_configuration_leaves_the_rows_out_of_shapes_and_marks_what_is_optional()
    {
        JsonElement scores = await http.GetAsync("/v2/models/posterior/config").OkAsync();
        JsonElement samples = await http.GetAsync("/v2/models/posterior.sample/versions/1/config").OkAsync();

        Assert.Equal(100_000, scores.GetProperty("max_batch_size").GetInt32());
        Assert.Equal(
            """[{"name":"x","data_type":"TYPE_FP32","dims":[3],"optional":false},{"name":"context","data_type":"TYPE_FP32","dims":[2],"optional":false}]""",
            scores.GetProperty("input").GetRawText());
        Assert.Equal("""{"name":"log_prob","data_type":"TYPE_FP32","dims":[]}""", scores.GetProperty("output")[0].GetRawText());
        Assert.Equal("""{"all":{}}""", scores.GetProperty("version_policy").GetRawText());
        Assert.True(scores.TryGetProperty("dynamic_batching", out _));
        Assert.Equal(0, samples.GetProperty("max_batch_size").GetInt32());
        Assert.Equal(
            ["num_samples TYPE_INT64 [1] False", "context TYPE_FP32 [-1,2] False", "seed TYPE_INT64 [1] True", "temperature TYPE_FP32 [1] True", "offset TYPE_INT64 [1] True"],
            samples.GetProperty("input").EnumerateArray().Select(input =>
                $"{input.GetProperty("name")} {input.GetProperty("data_type")} {input.GetProperty("dims").GetRawText()} {input.GetProperty("optional")}"));
    }

    [Theory]
    [InlineData("GET", "/v2/models/none", HttpStatusCode.NotFound, "there is no model 'none'")]
    [InlineData("GET", "/v2/models/none.sample/ready", HttpStatusCode.NotFound, "there is no model 'none'")]
    [InlineData("GET", "/v2/models/two-moons/versions/7", HttpStatusCode.NotFound, "no version 7")]
    [InlineData("GET", "/v2/models/two-moons/versions/latest/config", HttpStatusCode.BadRequest, "version 'latest'")]
    [InlineData("GET", "/v2/models/two-moons/versions/-1/stats", HttpStatusCode.BadRequest, "version '-1'")]
    [InlineData("POST", "/v2/models/none/infer", HttpStatusCode.NotFound, "there is no model 'none'")]
    [InlineData("GET", "/v2/nowhere", HttpStatusCode.NotFound, "/v2/nowhere")]
    [InlineData("GET", "/V2/nowhere", HttpStatusCode.NotFound, "/V2/nowhere")]
    [InlineData("GET", "/v2/models/two-moons/infer", HttpStatusCode.MethodNotAllowed, "does not take GET")]
    [InlineData("DELETE", "/v2/models/two-moons", HttpStatusCode.MethodNotAllowed, "does not take DELETE")]
    public async Task What_is_not_there_is_an_error_in_the_protocols_form(string method, string path, HttpStatusCode status, string words)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        Assert.Contains(words, await http.SendAsync(request).ErrorAsync(status), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_index_lists_every_model_under_its_three_names()
    {
        JsonElement index = await http.PostAsync("/v2/repository/index", null).OkAsync();

        Assert.Equal(3 * service.Host.Registry.Models.Count(), index.GetArrayLength());
        Assert.Contains("""{"name":"wide.decode","version":"1","state":"READY","reason":""}""", index.EnumerateArray().Select(model => model.GetRawText()));
    }

    private static string Tensors(JsonElement tensors) => string.Join("; ", tensors.EnumerateArray()
        .Select(tensor => $"{tensor.GetProperty("name")} {tensor.GetProperty("datatype")} {tensor.GetProperty("shape").GetRawText()}"));
}
