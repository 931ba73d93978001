using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FlowService.OpenApi;

/// <summary>Bodies that endpoints read by themselves, their examples, and the words for error statuses.</summary>
internal sealed class OperationDescriptions : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<BodyMetadata>().FirstOrDefault() is { } body)
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Wire.MediaTypes.Json] = new()
                    {
                        Schema = context.SchemaGenerator.GenerateSchema(body.Type, context.SchemaRepository),
                        Example = metadata.OfType<ExampleMetadata>().FirstOrDefault() is { } example ? JsonNode.Parse(example.Json) : null,
                    },
                },
            };
        foreach (ParameterExampleMetadata example in metadata.OfType<ParameterExampleMetadata>())
            if (operation.Parameters?.FirstOrDefault(each => each.Name == example.Name) is OpenApiParameter parameter)
                parameter.Example = JsonValue.Create(example.Value);
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
            response.Description = EndpointDescriptions.Meaning(status) ?? response.Description;
    }
}
