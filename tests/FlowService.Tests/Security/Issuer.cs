using System.Security.Cryptography;
using System.Text.Json;
using FlowService.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlowService.Tests.Security;

/// <summary>An issuer of tokens, with the two documents of OpenID Connect that tell its keys.</summary>
internal sealed class Issuer : IAsyncDisposable
{
    private readonly RSA rsa = RSA.Create(2048);
    private readonly WebApplication app;

    private Issuer(string address)
    {
        Address = address;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(address);
        builder.Logging.ClearProviders();
        app = builder.Build();
        RSAParameters key = rsa.ExportParameters(includePrivateParameters: false);
        app.MapGet("/.well-known/openid-configuration", () => Json($$"""{"issuer":"{{address}}","jwks_uri":"{{address}}/keys"}"""));
        app.MapGet("/keys", () => Json($$"""{"keys":[{"kty":"RSA","use":"sig","kid":"1","alg":"RS256","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}"}]}"""));
    }

    public string Address { get; }

    public static async Task<Issuer> StartAsync()
    {
        var issuer = new Issuer($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await issuer.app.StartAsync();
        return issuer;
    }

    /// <summary>A token for an audience, with a scope, that ends so many minutes from now.</summary>
    public string Token(string audience, string scope, int minutes = 5, RSA? signedBy = null) => new JsonWebTokenHandler().CreateToken(
        JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["iss"] = Address,
            ["aud"] = audience,
            ["sub"] = "ada",
            ["scope"] = scope,
            ["exp"] = DateTimeOffset.UtcNow.AddMinutes(minutes).ToUnixTimeSeconds(),
        }), new SigningCredentials(new RsaSecurityKey(signedBy ?? rsa) { KeyId = "1" }, SecurityAlgorithms.RsaSha256));

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        rsa.Dispose();
    }

    private static IResult Json(string text) => Results.Text(text, "application/json");
}
