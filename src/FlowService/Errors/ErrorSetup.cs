namespace FlowService.Errors;

internal static class ErrorSetup
{
    public static IServiceCollection AddErrors(this IServiceCollection services)
    {
        // Endpoints read their bodies themselves; what the framework binds (route, query) shall fail with our format too.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddSingleton<ProblemHandler>();
        return services.AddExceptionHandler<ProblemHandler>();
    }

    public static WebApplication UseErrors(this WebApplication app)
    {
        ProblemHandler problems = app.Services.GetRequiredService<ProblemHandler>();
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(problems.HandleStatus);
        return app;
    }
}
