using System.Net;
using System.Security.Cryptography;
using FlowService.Security;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>Tokens of an issuer, which are taken as keys are.</summary>
public sealed class TokenTests
{
    private const string OneRow = """{"model":"two-moons","x":[[0,1]]}""";

    [Fact]
    public async Task A_token_opens_what_its_scopes_name_if_it_is_the_issuers_for_this_service_and_has_not_ended()
    {
        await using Issuer issuer = await Issuer.StartAsync();
        using RSA another = RSA.Create(2048);
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", ""), ("Batching:BatchRows", "16"),
            ("Jwt:Authority", issuer.Address), ("Jwt:RequireHttps", "false"), ("Jwt:Audience", "flows"), ("Jwt:ScopePrefix", "flow."), ("Jwt:RowsPerMinute", "5"));

        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, issuer.Token("flows", "openid flow.infer")));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(host, issuer.Token("flows", "flow.metrics infer")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, issuer.Token("another", "flow.infer")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, issuer.Token("flows", "flow.infer", minutes: -10)));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, issuer.Token("flows", "flow.infer", signedBy: another)));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, null));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, issuer.Token("flows", "flow.admin"), "/models/two-moons/load"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(host, issuer.Token("flows", "flow.infer"), "/models/two-moons/load"));
        for (int i = 0; i < 4; i++)
            await AskAsync(host, issuer.Token("flows", "flow.infer"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await AskAsync(host, issuer.Token("flows", "flow.infer")));
    }

    [Fact]
    public async Task Where_the_issuer_does_not_answer_tokens_are_refused_and_keys_are_taken()
    {
        string key = KeyHash.NewKey(), token;
        await using (Issuer gone = await Issuer.StartAsync())
            token = gone.Token("flows", "infer");
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "16"),
            ("Jwt:Authority", $"http://127.0.0.1:{ServiceProcess.FreePort()}"), ("Jwt:RequireHttps", "false"), ("Jwt:Audience", "flows"), ("Keys:lab:Hash", $"{KeyHash.Of(key)}"));

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, token));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, key));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(host, "no.key"));
    }

    private static async Task<HttpStatusCode> AskAsync(ServiceHost host, string? token, string path = "/logprob")
    {
        using HttpClient http = host.Anonymous();
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using HttpResponseMessage response = await http.SendAsync(path, path == "/logprob" ? OneRow : "");
        return response.StatusCode;
    }
}
