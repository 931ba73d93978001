using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>Names of models lead nowhere but into the repository, whoever asks and however they are written.</summary>
public sealed class NameTests : IDisposable
{
    private readonly TemporaryFolder outside = new();

    public void Dispose() => outside.Dispose();

    [Fact]
    public async Task A_name_does_not_leave_the_repository()
    {
        string inside = Path.Combine(outside.Path, "repository");
        TestModels.Write(outside.Path, TestModels.Spec("secret", 2));
        TestModels.Write(inside, TestModels.Spec("m", 2));
        await using ServiceHost host = await ServiceHost.StartAsync(inside);
        using HttpClient http = host.Http();

        foreach (string name in (string[])["../secret", "..", ".", "m/../../secret", Path.Combine(outside.Path, "secret"), "..\\secret", "secret\0", "./m"])
        {
            await http.RefusedAsync("/logprob", $$"""{"model":{{JsonSerializer.Serialize(name)}},"x":[[0,1]]}""", HttpStatusCode.NotFound);
            foreach (string encoded in (string[])[Uri.EscapeDataString(name), Uri.EscapeDataString(Uri.EscapeDataString(name))])
                foreach (string path in (string[])[$"/models/{encoded}/load", $"/v2/repository/models/{encoded}/load", $"/v2/models/{encoded}/infer"])
                {
                    using HttpResponseMessage response = await http.SendAsync(path, "{}");
                    Assert.InRange((int)response.StatusCode, 400, 405);
                }
        }
        await http.AskAsync("/logprob", """{"model":"m","x":[[0,1]]}""");
    }
}
