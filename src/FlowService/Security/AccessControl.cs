using FlowService.OpenInference.Faces;

namespace FlowService.Security;

/// <summary>
/// Asks every call for what its endpoint needs, by HTTP and gRPC alike, before anything of its body is read. A model that the address names must
/// be the caller's; one that the body names is looked at where it is read.
/// </summary>
internal sealed class AccessControl(RequestDelegate next, AccessRules rules, ModelFaces faces, ILogger<AccessControl> logger)
{
    public Task InvokeAsync(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<ScopeMetadata>() is { } needed && rules.IsGuarded(needed.Scope) ? CheckedAsync(http, needed.Scope) : next(http);

    private async Task CheckedAsync(HttpContext http, Scopes scope)
    {
        await rules.CheckAsync(http, scope);
        if (http.Request.RouteValues["name"] is string model)
            Caller.CheckModel(http, faces.Named(model).Flow);
        if (scope == Scopes.Admin)
            logger.Administered(http.Features.Get<Caller>()!.Name, http.Request.Path);
        await next(http);
    }
}
