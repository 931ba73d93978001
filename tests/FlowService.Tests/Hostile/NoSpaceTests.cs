using System.Net;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>A service whose temporary files find no room.</summary>
public sealed class NoSpaceTests
{
    [Fact]
    public async Task What_must_be_laid_aside_is_refused_with_the_reason_and_the_rest_is_answered()
    {
        using TemporaryFolder repository = new();
        TestModels.Write(repository.Path, TestModels.Spec("m", 2));
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            repository.Path, ServiceProcess.FreePort(), [("TMPDIR", Path.Combine(repository.Path, "none"))]);
        using HttpClient http = service.Http();
        using var body = new ByteArrayContent([.. "PAR1"u8]);
        body.Headers.ContentType = new("application/vnd.apache.parquet");

        using HttpResponseMessage refused = await http.PostAsync("/logprob?model=m", body);

        string detail = (await Calls.ProblemAsync(refused, HttpStatusCode.InsufficientStorage)).Detail();
        Assert.Contains("its folder does not exist", detail, StringComparison.Ordinal);
        Assert.Contains("TMPDIR", detail, StringComparison.Ordinal);
        Assert.DoesNotContain(repository.Path, detail, StringComparison.Ordinal);
        await http.AskAsync("/logprob", """{"model":"m","x":[[0.5,1]]}""");
    }
}
