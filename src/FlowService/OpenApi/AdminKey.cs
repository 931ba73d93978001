using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FlowService.OpenApi;

/// <summary>The administrator's key, as the description says that calls are secured by it.</summary>
internal static class AdminKey
{
    private const string Name = "admin_key";

    public static void Describe(SwaggerGenOptions options) => options.AddSecurityDefinition(Name, new OpenApiSecurityScheme
    {
        Type = SecuritySchemeType.Http,
        Scheme = "bearer",
        Description = "The key of Admin:Key. Where none is configured, calls for administrators are taken from the service's own machine, without a key.",
    });

    /// <summary>The key, or nothing.</summary>
    public static List<OpenApiSecurityRequirement> Requirement(OpenApiDocument document) =>
        [new() { [new OpenApiSecuritySchemeReference(Name, document)] = [] }, []];
}
