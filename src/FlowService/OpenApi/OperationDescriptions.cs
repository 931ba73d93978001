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
                        Example = metadata.OfType<ExampleMetadata>().FirstOrDefault() is { } example ? JsonNode.Parse(example.Body) : null,
                    },
                },
            };
        foreach (ParameterExampleMetadata example in metadata.OfType<ParameterExampleMetadata>())
            if (operation.Parameters?.FirstOrDefault(each => each.Name == example.Name) is OpenApiParameter parameter)
                parameter.Example = JsonValue.Create(example.Value);
        if (metadata.OfType<ExampleMetadata>().FirstOrDefault() is { } answered && operation.Responses?["200"].Content?[Wire.MediaTypes.Json] is { } answer)
            answer.Example = JsonNode.Parse(answered.Answer);
        if (metadata.OfType<PictureMetadata>().Any())
            operation.Responses?["200"].Content?.Add(Wire.MediaTypes.Png, new OpenApiMediaType
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
            });
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
            Describe(status, response);
    }

    private static void Describe(string status, IOpenApiResponse response)
    {
        response.Description = EndpointDescriptions.Meaning(status) ?? response.Description;
        if (ProblemExamples.Of(status) is { } example && response.Content?.TryGetValue("application/problem+json", out var problem) == true)
            problem.Example = example;
    }
}
