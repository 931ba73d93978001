using FlowService.Security;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FlowService.OpenApi;

/// <summary>Keys and tokens, as the description says that calls are secured by them.</summary>
internal static class Keys
{
    private const string Name = "key";

    public static void Describe(SwaggerGenOptions options) => options.AddSecurityDefinition(Name, new OpenApiSecurityScheme
    {
        Type = SecuritySchemeType.Http,
        Scheme = "bearer",
        Description = "A key of the service, or a token of its issuer. Loading and unloading always need one with the scope admin; everything else only where keys are configured.",
    });

    /// <summary>The key; or nothing, for what is open where no keys are configured.</summary>
    public static List<OpenApiSecurityRequirement> Requirement(OpenApiDocument document, Scopes scope)
    {
        var key = new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Name, document)] = [] };
        return scope == Scopes.Admin ? [key] : [key, []];
    }
}
