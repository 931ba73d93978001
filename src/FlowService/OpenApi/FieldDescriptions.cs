using System.Text.Json.Nodes;
using FlowRows;
using FlowService.Requests;
using Microsoft.OpenApi;

namespace FlowService.OpenApi;

/// <summary>The fields of requests as the API's description shows them: from the table that the parser reads by.</summary>
internal static class FieldDescriptions
{
    /// <summary>The JSON body that is made of them.</summary>
    public static OpenApiSchema Schema(FieldsMetadata metadata) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = metadata.Fields.Fields.Where(field => !field.IsOfRows)
            .ToDictionary(field => field.Name, field => (IOpenApiSchema)Value(field, metadata)),
        Required = new HashSet<string> { metadata.Required.Name },
        AdditionalPropertiesAllowed = false,
    };

    /// <summary>The bodies and answers of rows in other formats, and the arguments that stand in the query beside them.</summary>
    public static void AddRows(OpenApiOperation operation, FieldSet fields)
    {
        if (!fields.Has(RequestFields.Dtype))
            return;
        operation.Parameters ??= [];
        foreach (RequestField field in fields.Fields)
            if (field.Kind != FieldKind.Rows && field != RequestFields.Range)
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = field.Name,
                    In = ParameterLocation.Query,
                    Description = $"{field.Meaning}{InQuery(field)}",
                    Schema = Argument(field),
                });
        foreach (RowFormat format in RowFormats.Streamed)
        {
            operation.RequestBody?.Content?.Add(format.MediaType, Rows(format));
            operation.Responses?["200"].Content?.Add(format.MediaType, Rows(format));
        }
    }

    private static OpenApiSchema Value(RequestField field, FieldsMetadata metadata)
    {
        OpenApiSchema schema = field.Kind switch
        {
            FieldKind.Rows => List(List(Number)),
            FieldKind.Values when field == RequestFields.Range => List(Number),
            FieldKind.Values => List(new OpenApiSchema { AnyOf = [Number, List(Number)] }),
            FieldKind.Names => List(Choice(field == RequestFields.Include ? metadata.Includes : [])),
            _ => Argument(field),
        };
        schema.Description = field == RequestFields.Include ? $"{field.Meaning.TrimEnd('.')}: {string.Join(", ", metadata.Includes)}." : field.Meaning;
        return schema;
    }

    private static OpenApiSchema Argument(RequestField field) => field.Kind switch
    {
        FieldKind.Integer => new() { Type = JsonSchemaType.Integer, Format = "int64" },
        FieldKind.Number => new() { Type = JsonSchemaType.Number, Format = "double" },
        FieldKind.Flag => new() { Type = JsonSchemaType.Boolean },
        _ => Choice(field.Words),
    };

    private static string InQuery(RequestField field) => field.Kind switch
    {
        _ when field.IsOfRows => field.Kind == FieldKind.Names ? " Names with commas between them." : "",
        FieldKind.Names => " Names with commas between them. Here or in a JSON body, not in both.",
        FieldKind.Values => " Numbers with commas between them: one row for all rows, or a list of classes. Here or in a JSON body, not in both.",
        _ => " Here or in a JSON body, not in both.",
    };

    private static OpenApiSchema Number => new() { Type = JsonSchemaType.Number, Format = "float" };

    private static OpenApiSchema List(OpenApiSchema of) => new() { Type = JsonSchemaType.Array, Items = of };

    private static OpenApiSchema Choice(string[] words) =>
        new() { Type = JsonSchemaType.String, Enum = words.Length == 0 ? null : [.. words.Select(word => (JsonNode)JsonValue.Create(word)!)] };

    private static OpenApiMediaType Rows(RowFormat format) =>
        new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = format.IsBinary ? "binary" : null } };
}
