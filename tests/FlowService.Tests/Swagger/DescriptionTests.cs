using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowService.Requests;
using FlowService.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowService.Tests.Swagger;

/// <summary>The description of the API against the service: a client that is generated from it works, and it says all that the parser takes.</summary>
public sealed class DescriptionTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost host = null!;
    private HttpClient http = null!;
    private string text = "";

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2), version: 2, calibrationRows: 400);
        host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", "s3cret"), ("Models:Overrides:two-moons:Shadow", "2"));
        http = host.Http();
        text = await http.GetStringAsync("/swagger/v1/swagger.json");
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    private IEnumerable<(string Path, string Method, JsonElement Operation)> Operations =>
        from path in JsonDocument.Parse(text).RootElement.GetProperty("paths").EnumerateObject()
        from method in path.Value.EnumerateObject()
        select (path.Name, method.Name, method.Value);

    [Fact]
    public async Task A_generated_client_calls_every_operation()
    {
        http.DefaultRequestHeaders.Authorization = new("Bearer", "s3cret");
        GeneratedClient client = await GeneratedClient.OfAsync(text, http);

        // What unloads the model comes last.
        foreach (var (path, _, operation) in Operations.OrderBy(each => each.Path.EndsWith("/unload", StringComparison.Ordinal)))
        {
            object answer = await client.CallAsync(Id(operation), Example(operation), ("name", "two-moons"));

            Assert.True(answer is not null, path);
        }
    }

    [Fact]
    public async Task A_generated_client_sends_what_the_parser_takes_and_reads_what_it_answers()
    {
        GeneratedClient client = await GeneratedClient.OfAsync(text, http);
        const string x = """{"x":[[0,1],[1,-0.5]]}""";

        object scored = await client.CallAsync("logprob", x, ("model", "two-moons"), ("include", client.Names("logprob", "include", "z", "log_det")));
        object encoded = await client.CallAsync("encode", """{"model":"two-moons","x":[[0,1]],"include":["log_prob"]}""");
        object drawn = await client.CallAsync("sample", """{"model":"two-moons","count":2,"seed":18446744073709551615,"dtype":null}""");
        object conditional = await client.CallAsync("logprob", """{"x":[[1,2,3],[4,5,6]]}""", ("model", "posterior"), ("context", new double[] { 0.5, 0.25 }.Select(value => (float)value)));

        Assert.Equal((2, 2, 2), (Count(scored, "Log_prob"), Count(scored, "Z"), Count(scored, "Log_det")));
        Assert.Equal(1, Count(encoded, "Log_prob"));
        Assert.Equal(2, Count(drawn, "Samples"));
        Assert.Equal(ulong.MaxValue.ToString(), drawn.GetType().GetProperty("Seed")!.GetValue(drawn)!.ToString());
        Assert.Equal(2, Count(conditional, "Log_prob"));
    }

    [Fact]
    public void Every_endpoint_is_described_and_has_a_name_of_its_own()
    {
        string[] mapped = [.. host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Http.Metadata.ITagsMetadata>() is not null
                && endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null)
            .Select(endpoint => endpoint.RoutePattern.RawText!.TrimEnd('/')).Order(StringComparer.Ordinal)];

        Assert.Equal(mapped, Operations.Select(each => each.Path).Order(StringComparer.Ordinal));
        Assert.Equal(32, Operations.Select(each => Id(each.Operation)).Where(id => id.Length > 0).Distinct().Count());
    }

    [Theory]
    [InlineData("/logprob")]
    [InlineData("/encode")]
    [InlineData("/decode")]
    [InlineData("/sample")]
    [InlineData("/interpolate")]
    public async Task Every_field_that_is_described_is_taken_and_no_other(string path)
    {
        JsonElement operation = Operations.Single(each => each.Path == path).Operation;
        JsonElement body = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema");
        string[] inBody = [.. body.GetProperty("properties").EnumerateObject().Select(field => field.Name)];
        string[] inQuery = [.. operation.GetProperty("parameters").EnumerateArray().Select(field => field.GetProperty("name").GetString()!)];

        // A field that is unknown is refused as such before anything else is looked at.
        foreach (RequestField field in RequestFields.All)
        {
            string asBody = await TypeAsync(path, $$"""{"{{field.Name}}":null,"end":0}""");
            string asQuery = await TypeAsync($"{path}?{field.Name}=", """{"end":0}""");
            Assert.Equal((field.Name, inBody.Contains(field.Name)), (field.Name, !asBody.Contains($"field '{field.Name}'", StringComparison.Ordinal)));
            Assert.Equal((field.Name, inQuery.Contains(field.Name)), (field.Name, !asQuery.Contains($"field '{field.Name}'", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void What_needs_a_key_says_so_and_whether_it_always_does()
    {
        JsonElement scheme = JsonDocument.Parse(text).RootElement.GetProperty("components").GetProperty("securitySchemes").GetProperty("key");

        Assert.Equal(("http", "bearer"), (scheme.GetProperty("type").GetString(), scheme.GetProperty("scheme").GetString()));
        Assert.All(Operations, each => Assert.Equal(each.Path.Contains("/health/", StringComparison.Ordinal) || each.Path == "/v2", !each.Operation.TryGetProperty("security", out _)));
        string[] always = [.. Operations.Where(each => each.Operation.TryGetProperty("security", out JsonElement security) && security.GetArrayLength() == 1).Select(each => each.Path)];
        Assert.Equal(6, always.Length);
        Assert.All(always, path => Assert.True(path.EndsWith("load", StringComparison.Ordinal) || path.EndsWith("/promote", StringComparison.Ordinal) || path.EndsWith("/rollback", StringComparison.Ordinal), path));
    }

    [Fact]
    public async Task What_include_may_name_is_listed_for_each_operation()
    {
        foreach (string path in (string[])["/logprob", "/encode", "/decode", "/sample", "/interpolate"])
        {
            JsonElement operation = Operations.Single(each => each.Path == path).Operation;
            JsonElement include = operation.GetProperty("parameters").EnumerateArray().Single(field => field.GetProperty("name").GetString() == "include");
            string[] listed = [.. include.GetProperty("schema").GetProperty("items").GetProperty("enum").EnumerateArray().Select(name => name.GetString()!)];
            string[] names = [.. listed.Except(["complexity_corrected"])]; // which pictures alone have: the examples are of tables
            JsonObject example = JsonNode.Parse(Example(operation)!)!.AsObject();
            example.Remove("include");

            JsonElement answer = await http.AskAsync($"{path}?include={string.Join(',', names)}", example.ToJsonString());

            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.True(answer.TryGetProperty(name, out _), $"{path}: {name}"));
        }
    }

    private async Task<string> TypeAsync(string path, string json)
    {
        using HttpResponseMessage response = await http.SendAsync(path, json);
        return await response.Content.ReadAsStringAsync();
    }

    private static string Id(JsonElement operation) => operation.TryGetProperty("operationId", out JsonElement id) ? id.GetString()! : "";

    private static string? Example(JsonElement operation)
    {
        if (!operation.TryGetProperty("requestBody", out JsonElement body))
            return null;
        JsonElement json = body.GetProperty("content").GetProperty("application/json");
        return json.TryGetProperty("example", out JsonElement example)
            ? example.GetRawText()
            : json.GetProperty("examples").EnumerateObject().Last().Value.GetProperty("value").GetRawText();
    }

    private static int Count(object answer, string property) => ((ICollection)answer.GetType().GetProperty(property)!.GetValue(answer)!).Count;
}
