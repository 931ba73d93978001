using System.Net;
using System.Text.Json;
using FlowService.Batching;
using FlowService.Models;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Shadow;
using FlowService.Tests.Support;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Shadow;

/// <summary>Two versions of a model on the same rows, over HTTP.</summary>
public sealed class ShadowTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public ShadowTests()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), version: 1);
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), version: 2, scale: 2);
        TestModels.Write(repository.Path, TestModels.Spec("plain", 2));
    }

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task The_difference_is_that_of_the_versions_own_answers_and_the_compared_one_does_not_serve()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        const string rows = """[[0.1,0.2],[1,-1],[0.5,3],[-2,0.25]]""";
        OfferNothing(host); // what cannot be compared ends no comparison after it

        JsonElement answer = await http.AskAsync("/logprob", $$"""{"model":"m","x":{{rows}}}""");
        await Eventually.TrueAsync(async () => (await ShadowAsync(http)).GetProperty("rows").GetInt32() == 4, "both have scored the rows");
        JsonElement compared = await ShadowAsync(http);
        float[] one = answer.Floats("log_prob"), two = (await http.AskAsync("/logprob", $$"""{"model":"m","version":2,"x":{{rows}}}""")).Floats("log_prob");

        Assert.Equal(1, answer.GetProperty("version").GetInt32());
        Assert.Equal((2, 1, 1), (compared.GetProperty("shadow").GetInt32(), compared.GetProperty("other").GetInt32(), compared.GetProperty("serving").GetInt32()));
        Assert.Equal(two.Zip(one, (second, first) => Math.Clamp((double)second - first, -3, 3)).Average(), compared.GetProperty("difference").GetDouble(), 1e-4);
        Assert.Equal("undecided", compared.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task The_better_version_serves_by_itself_and_an_administrator_takes_it_back()
    {
        await using ServiceHost host = await StartAsync(("Models:Overrides:m:Promote", "true"));
        using HttpClient http = host.Http();
        using HttpClient nobody = host.Anonymous();
        string rows = (await http.AskAsync("/sample", """{"model":"m","version":2,"count":64,"seed":3}""")).GetProperty("samples").GetRawText();

        await Eventually.TrueAsync(async () => (await http.AskAsync("/logprob", $$"""{"model":"m","x":{{rows}}}""")).GetProperty("version").GetInt32() == 2, "version 2 serves");
        JsonElement promoted = await ShadowAsync(http);
        await nobody.RefusedAsync("/models/m/rollback", "", HttpStatusCode.Unauthorized);
        JsonElement back = await http.AskAsync("/models/m/rollback", "");

        Assert.Equal((2, 1), (promoted.GetProperty("serving").GetInt32(), back.GetProperty("serving").GetInt32()));
        Assert.Equal(0, back.GetProperty("rows").GetInt32());
        Assert.Equal(2, (await http.AskAsync("/models/m/promote", "")).GetProperty("serving").GetInt32());
    }

    [Fact]
    public async Task A_promoted_version_that_is_worse_is_taken_back_and_stays_so()
    {
        await using ServiceHost host = await StartAsync(("Models:Overrides:m:Promote", "true"));
        using HttpClient http = host.Http();
        await http.AskAsync("/models/m/promote", "");
        string worse = (await http.AskAsync("/sample", """{"model":"m","version":1,"count":64,"seed":3}""")).GetProperty("samples").GetRawText();
        string better = (await http.AskAsync("/sample", """{"model":"m","version":2,"count":64,"seed":3}""")).GetProperty("samples").GetRawText();

        await Eventually.TrueAsync(async () => (await http.AskAsync("/logprob", $$"""{"model":"m","x":{{worse}}}""")).GetProperty("version").GetInt32() == 1, "version 1 serves again");
        await Eventually.TrueAsync(async () =>
        {
            await http.AskAsync("/logprob", $$"""{"model":"m","x":{{better}}}""");
            return (await ShadowAsync(http)).GetProperty("verdict").GetString() == "better";
        }, "version 2 is found to be better after all");

        Assert.Equal(1, (await ShadowAsync(http)).GetProperty("serving").GetInt32());
    }

    [Fact]
    public async Task Rows_that_cannot_be_compared_are_dropped_and_metrics_say_what_is_known()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 3), version: 3);
        TestModels.Write(repository.Path, TestModels.Spec("named", 2) with { Features = ["height", "weight"] }, version: 1);
        TestModels.Write(repository.Path, TestModels.Spec("named", 2) with { Features = ["weight", "height"] }, version: 2);
        await using ServiceHost host = await StartAsync(("Models:Overrides:m:Shadow", "3"));
        using HttpClient http = host.Http();
        using MetricCollector<double> dropped = host.Metric<double>("flowservice.shadow.dropped"), difference = host.Metric<double>("flowservice.shadow.difference"),
            low = host.Metric<double>("flowservice.shadow.difference.low"), high = host.Metric<double>("flowservice.shadow.difference.high"),
            rows = host.Metric<double>("flowservice.shadow.rows"), promoted = host.Metric<double>("flowservice.shadow.promoted");
        JsonElement answer = await http.AskAsync("/logprob", """{"model":"m","x":[[0,1],[1,0]]}""");
        MetricCollector<double>[] all = [dropped, difference, low, high, rows, promoted];
        foreach (MetricCollector<double> each in all)
            each.RecordObservableInstruments();

        Assert.Equal(2, answer.GetProperty("version").GetInt32());
        Assert.Equal([2, 0, -3, 3, 0, 0], all.Select(each => each.GetMeasurementSnapshot().Single().Value));
        Assert.Equal(("m", 3), ((string)dropped.GetMeasurementSnapshot()[0].Tags["model"]!, (int)dropped.GetMeasurementSnapshot()[0].Tags["version"]!));

        // Nor those of columns that come in another order: the copy would hand heights on as weights.
        await using ServiceHost other = await StartAsync(("Models:Overrides:named:Shadow", "2"), ("Models:Overrides:named:ShadowShare", "1"), ("Models:Overrides:named:ShadowTime", "1"));
        using HttpClient asks = other.Http();
        await asks.AskAsync("/logprob", """{"model":"named","x":[[0,1],[1,0]]}""");
        JsonElement compared = await ShadowAsync(asks, "named");
        Assert.Equal((0, 2, "incomparable"), (compared.GetProperty("rows").GetInt32(), compared.GetProperty("dropped").GetInt32(), compared.GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task A_model_of_which_none_is_compared_says_which_setting_does()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        using HttpResponseMessage response = await http.GetAsync("/models/plain/shadow");

        Assert.Contains("Models:Overrides:plain:Shadow", (await Calls.ProblemAsync(response, HttpStatusCode.NotFound)).Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_promotion_and_its_rollback_outlast_a_restart()
    {
        await using (ServiceHost host = await StartAsync())
        using (HttpClient http = host.Http())
            Assert.True((await http.AskAsync("/models/m/promote", "")).GetProperty("lasting").GetBoolean());
        await using (ServiceHost host = await StartAsync())
        using (HttpClient http = host.Http())
        {
            Assert.Equal(2, await ServingAsync(http));
            string folder = Path.Combine(repository.Path, ".promotions");
            Directory.Delete(folder, recursive: true);
            await File.WriteAllTextAsync(folder, "nothing can be written below a file");
            Assert.False((await http.AskAsync("/models/m/promote", "")).GetProperty("lasting").GetBoolean());
            File.Delete(folder);
            await http.AskAsync("/models/m/rollback", "");
        }
        await using (ServiceHost host = await StartAsync())
        using (HttpClient http = host.Http())
            Assert.Equal(1, await ServingAsync(http));
    }

    [Fact]
    public async Task A_lower_version_serves_once_it_is_promoted_until_a_higher_one_comes_than_both()
    {
        (string, string) lower = ("Models:Overrides:m:Shadow", "1");
        await using (ServiceHost host = await StartAsync(lower))
        using (HttpClient http = host.Http())
        {
            Assert.Equal(2, await ServingAsync(http));
            await http.AskAsync("/models/m/promote", "");
            await http.AskAsync("/logprob", """{"model":"m","x":[[0,1]]}""");
            await Eventually.TrueAsync(async () => (await ShadowAsync(http)).GetProperty("rows").GetInt32() == 1, "both have scored the row");
            JsonElement again = await http.AskAsync("/models/m/promote", "");
            Assert.Equal((1, 1), (again.GetProperty("serving").GetInt32(), again.GetProperty("rows").GetInt32())); // no other version begins to serve
            Assert.Equal(1, await ServingAsync(http));
        }
        await using (ServiceHost host = await StartAsync(lower))
        using (HttpClient http = host.Http())
        {
            Assert.Equal(1, await ServingAsync(http));
            TestModels.Write(repository.Path, TestModels.Spec("m", 2), version: 3);
            await http.AskAsync("/models/m/load?version=3", "");
            JsonElement compared = await ShadowAsync(http);
            Assert.Equal((3, 3), (compared.GetProperty("other").GetInt32(), compared.GetProperty("serving").GetInt32()));
            Assert.Equal(3, await ServingAsync(http));
        }
    }

    [Fact]
    public async Task Another_setting_than_the_one_that_was_promoted_starts_anew()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), version: 3);
        await using (ServiceHost host = await StartAsync())
        using (HttpClient http = host.Http())
            await http.AskAsync("/models/m/promote", "");
        await using (ServiceHost host = await StartAsync(("Models:Overrides:m:Shadow", "3")))
        using (HttpClient http = host.Http())
            Assert.Equal(2, await ServingAsync(http)); // the highest but the shadow: nobody has promoted version 3
    }

    [Fact]
    public async Task Replicas_that_share_the_folder_serve_what_one_of_them_was_told()
    {
        await using ServiceHost one = await StartAsync(("Models:PollSeconds", "0.05")), two = await StartAsync(("Models:PollSeconds", "0.05"));
        using HttpClient first = one.Http(), second = two.Http();
        await first.AskAsync("/models/m/promote", "");
        await Eventually.TrueAsync(async () => await ServingAsync(second) == 2, "the other replica has read it");
        await second.AskAsync("/models/m/rollback", "");
        await Eventually.TrueAsync(async () => await ServingAsync(first) == 1, "and this one the rollback");
    }

    [Theory]
    [InlineData("-")]
    [InlineData("/dev/null/promotions")] // nothing can be written below a file, not even by root
    public async Task Where_nothing_can_be_written_a_promotion_serves_and_says_that_it_does_not_last(string folder)
    {
        await using ServiceHost host = await StartAsync(("Models:PromotionFolder", folder), ("Models:PollSeconds", "0.05"));
        using HttpClient http = host.Http();
        JsonElement promoted = await http.AskAsync("/models/m/promote", "");

        Assert.Equal((2, false), (promoted.GetProperty("serving").GetInt32(), promoted.GetProperty("lasting").GetBoolean()));
        Assert.Equal(2, await ServingAsync(http));
        Assert.False(Directory.Exists(Path.Combine(repository.Path, ".promotions")));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"version":2,"serves":"yes"}""")]
    public async Task A_file_that_cannot_be_read_changes_nothing_and_is_written_anew(string text)
    {
        string path = Directory.CreateDirectory(Path.Combine(repository.Path, ".promotions")).FullName + "/m.json";
        await File.WriteAllTextAsync(path, text);
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();

        Assert.Equal(1, await ServingAsync(http));
        await http.AskAsync("/models/m/promote", "");
        Assert.Equal("""{"version":2,"serves":true,"byItself":false,"over":1}""", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task Rows_of_v2_and_grpc_are_compared_as_those_of_logprob_are()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var tensor = new ModelInferRequest.Types.InferInputTensor { Name = "x", Datatype = "FP32", Shape = { 1, 2 }, Contents = new() { Fp32Contents = { 0.5f, 3 } } };

        await http.AskAsync("/v2/models/m/infer", """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[0.1,0.2,1,-1]}]}""");
        await Eventually.TrueAsync(async () => (await ShadowAsync(http)).GetProperty("rows").GetInt32() == 2, "the rows of REST are compared");
        await client.ModelInferAsync(new() { ModelName = "m", Inputs = { tensor } });
        await Eventually.TrueAsync(async () => (await ShadowAsync(http)).GetProperty("rows").GetInt32() == 3, "the row of gRPC is compared");
        await http.AskAsync("/v2/models/m.sample/infer", """{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[3]}]}""");

        const string rows = "[[0.1,0.2],[1,-1],[0.5,3]]";
        float[] one = (await http.AskAsync("/encode", $$"""{"model":"m","version":1,"x":{{rows}},"include":["log_prob"]}""")).Floats("log_prob");
        float[] two = (await http.AskAsync("/encode", $$"""{"model":"m","version":2,"x":{{rows}},"include":["log_prob"]}""")).Floats("log_prob");
        JsonElement compared = await ShadowAsync(http);
        Assert.Equal(3, compared.GetProperty("rows").GetInt32());
        Assert.Equal(two.Zip(one, (second, first) => Math.Clamp((double)second - first, -3, 3)).Average(), compared.GetProperty("difference").GetDouble(), 1e-4);
    }

    // A copy of its rows cannot be made.
    private static void OfferNothing(ServiceHost host)
    {
        ServedModel model = host.Registry.KnownVersions("m")[^1].Served!;
        using var work = new WorkItem(model, Operation.LogProb, new WorkRows { Count = 2 }, host.Pool);
        host.Services.GetRequiredService<ShadowJudge>().Offer(work);
    }

    private static async Task<int> ServingAsync(HttpClient http) => (await http.AskAsync("/encode", """{"model":"m","x":[[0,1]]}""")).GetProperty("version").GetInt32();

    private Task<ServiceHost> StartAsync(params (string, string)[] settings) =>
        ServiceHost.StartAsync(repository.Path, null, [("Models:Overrides:m:Shadow", "2"), ("Models:Overrides:m:ShadowShare", "1"), ("Models:Overrides:m:ShadowTime", "1"), .. settings]);

    private static async Task<JsonElement> ShadowAsync(HttpClient http, string model = "m") => JsonDocument.Parse(await http.GetStringAsync($"/models/{model}/shadow")).RootElement.Clone();
}
