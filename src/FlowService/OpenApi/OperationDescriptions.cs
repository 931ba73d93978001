using System.Text.Json.Nodes;
using FlowService.Requests;
using FlowService.Security;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FlowService.OpenApi;

/// <summary>Bodies that endpoints read by themselves, their examples, and the words for error statuses.</summary>
internal sealed class OperationDescriptions : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        ExampleMetadata[] examples = [.. metadata.OfType<ExampleMetadata>()];
        if (metadata.OfType<BodyMetadata>().FirstOrDefault() is { } body)
            operation.RequestBody = Body(context.SchemaGenerator.GenerateSchema(body.Type, context.SchemaRepository), examples, body.IsRequired);
        if (metadata.OfType<FieldsMetadata>().FirstOrDefault() is { } fields)
        {
            operation.RequestBody = Body(FieldDescriptions.Schema(fields), examples, !fields.Fields.Has(RequestFields.Count));
            FieldDescriptions.AddRows(operation, fields);
        }
        foreach (ParameterExampleMetadata example in metadata.OfType<ParameterExampleMetadata>())
            if (operation.Parameters?.FirstOrDefault(each => each.Name == example.Name) is OpenApiParameter parameter)
                parameter.Example = JsonValue.Create(example.Value);
        if (examples.Length > 0 && operation.Responses?["200"].Content?[MediaTypes.Json] is OpenApiMediaType answer)
            (answer.Example, answer.Examples) = (Single(examples, example => example.Answer), Named(examples, example => example.Answer));
        if (metadata.OfType<PictureMetadata>().Any())
            operation.Responses?["200"].Content?.Add(MediaTypes.Png, Bytes());
        if (metadata.OfType<SoundMetadata>().FirstOrDefault() is { } sound)
        {
            operation.RequestBody?.Content?.Add(MediaTypes.Wav, Bytes());
            if (sound.Answers)
                operation.Responses?["200"].Content?.Add(MediaTypes.Wav, Bytes());
        }
        if (metadata.OfType<ScopeMetadata>().LastOrDefault() is { } needed)
            operation.Security = Keys.Requirement(context.Document, needed.Scope);
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
            Describe(status, response);
    }

    private static OpenApiMediaType Bytes() => new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };

    private static OpenApiRequestBody Body(IOpenApiSchema schema, ExampleMetadata[] examples, bool isRequired) => new()
    {
        Required = isRequired,
        Content = new Dictionary<string, IOpenApiMediaType>
        {
            [MediaTypes.Json] = new OpenApiMediaType
            {
                Schema = schema,
                Example = Single(examples, example => example.Body),
                Examples = Named(examples, example => example.Body),
            },
        },
    };

    private static JsonNode? Single(ExampleMetadata[] examples, Func<ExampleMetadata, string?> part) =>
        examples is [var only] && part(only) is { } text ? JsonNode.Parse(text) : null;

    // The page offers a choice where there are several.
    private static Dictionary<string, IOpenApiExample>? Named(ExampleMetadata[] examples, Func<ExampleMetadata, string?> part)
    {
        if (examples.Length < 2)
            return null;
        var named = examples.Where(example => part(example) is not null)
            .ToDictionary(example => example.Name, example => (IOpenApiExample)new OpenApiExample { Value = JsonNode.Parse(part(example)!) });
        return named.Count > 0 ? named : null;
    }

    private static void Describe(string status, IOpenApiResponse response)
    {
        response.Description = EndpointDescriptions.Meaning(status) ?? response.Description;
        if (ProblemExamples.Of(status) is { } example && response.Content?.TryGetValue("application/problem+json", out IOpenApiMediaType? media) == true
            && media is OpenApiMediaType problem)
            problem.Example = example;
    }
}
