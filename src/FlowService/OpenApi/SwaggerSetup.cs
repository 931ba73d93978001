using FlowService.Compressing;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.OpenApi;

namespace FlowService.OpenApi;

internal static class SwaggerSetup
{
    // The order in which the page shows the groups: what people come for first.
    private static readonly string[] Groups = ["Scoring", "Sampling", "Latent space", "Open Inference Protocol", "Models", "Health"];

    private static readonly HttpMethodMetadata OnlyGet = new([HttpMethods.Get]);

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
            options.MapType<ulong>(() => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "uint64" });
            Keys.Describe(options);
            options.OrderActionsBy(action => $"{Array.IndexOf(Groups, Group(action))} {action.RelativePath}");
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
        });
    }

    public static void MapSwaggerUi(this WebApplication app)
    {
        app.MapSwagger(setupAction: options => options.PreSerializeFilters.Add(
            (_, request) => request.HttpContext.Features.Set(new AnswerSize(long.MaxValue)))).WithMetadata(OnlyGet);
        app.MapSwaggerUI(setupAction: options =>
        {
            options.SwaggerEndpoint("v1/swagger.json", "FlowService"); // beside the page, under whatever path
            options.DocumentTitle = "FlowService";
            options.DisplayRequestDuration();
            options.DefaultModelsExpandDepth(0);
        }).WithMetadata(OnlyGet);
    }

    private static string? Group(ApiDescription action) => action.ActionDescriptor.EndpointMetadata.OfType<ITagsMetadata>().LastOrDefault()?.Tags[0];
}
