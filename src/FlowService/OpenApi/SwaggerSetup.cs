using Microsoft.OpenApi;

namespace FlowService.OpenApi;

internal static class SwaggerSetup
{
    public static IServiceCollection AddSwagger(this IServiceCollection services)
    {
        services.AddEndpointsApiExplorer();
        return services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "FlowService",
                Version = "v1",
                Description = "Normalizing flows over HTTP: exact log densities, samples, and the map between data and latents. "
                    + "Errors are application/problem+json with a stable type. Metrics for Prometheus are at /metrics.",
            });
            options.IncludeXmlComments(typeof(SwaggerSetup).Assembly);
            options.OperationFilter<OperationDescriptions>();
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
        });
    }

    public static void MapSwaggerUi(this WebApplication app)
    {
        app.UseSwagger();
        app.UseSwaggerUI(options =>
        {
            options.DocumentTitle = "FlowService";
            options.DisplayRequestDuration();
        });
        app.MapGet("/", () => Results.Redirect("/swagger")).ExcludeFromDescription();
    }
}
