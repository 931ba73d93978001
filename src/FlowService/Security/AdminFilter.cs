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
