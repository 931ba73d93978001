using FlowService.Requests;

namespace FlowService.OpenInference.Rest;

internal static class Descriptions
{
    public const string Tag = "Open Inference Protocol";

    /// <summary>What an endpoint of the protocol says about itself on the page.</summary>
    /// <param name="builder">The endpoint.</param>
    /// <param name="name">Its name for clients that are made from the description: that of the method of gRPC.</param>
    /// <param name="summary">What it does, in a line.</param>
    /// <param name="description">The same at length.</param>
    /// <param name="errors">The statuses that it may refuse with.</param>
    public static RouteHandlerBuilder Describe<TAnswer>(this RouteHandlerBuilder builder, string name, string summary, string description, params int[] errors)
    {
        foreach (int status in errors)
            builder.Produces<OpenInferenceError>(status, MediaTypes.Json);
        return builder.Produces<TAnswer>(StatusCodes.Status200OK, MediaTypes.Json).WithName(name).WithTags(Tag).WithSummary(summary).WithDescription(description);
    }
}
