namespace FlowService.Security;

/// <summary>Takes a call from administrators alone.</summary>
internal sealed class AdminFilter(AdminGate gate) : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        gate.Check(context.HttpContext);
        return next(context);
    }
}

/// <summary>Marks an endpoint that only administrators may call.</summary>
internal sealed record AdministratorsMetadata;

internal static class AdminEndpoints
{
    public static RouteHandlerBuilder ForAdministrators(this RouteHandlerBuilder builder) =>
        builder.AddEndpointFilter<AdminFilter>().WithMetadata(new AdministratorsMetadata());
}
