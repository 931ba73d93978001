using FlowService.Requests;

namespace FlowService.OpenInference.Rest;

internal static class Descriptions
{
    public const string Tag = "Open Inference Protocol";

    /// <summary>What an endpoint of the protocol says about itself on the page.</summary>
    public static RouteHandlerBuilder Describe<TAnswer>(this RouteHandlerBuilder builder, string summary, string description, params int[] errors)
    {
        foreach (int status in errors)
            builder.Produces<OpenInferenceError>(status, MediaTypes.Json);
        return builder.Produces<TAnswer>(StatusCodes.Status200OK, MediaTypes.Json).WithTags(Tag).WithSummary(summary).WithDescription(description);
    }
}
