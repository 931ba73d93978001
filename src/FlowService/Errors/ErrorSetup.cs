using FlowService.Limits;

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

    /// <summary>
    /// Answers 429 as near to its cause as can be. An overloaded service spends its time on refusals, and each piece of middleware that
    /// an exception passes catches it and throws it again. Many take turns (<see cref="RefusalPace"/>).
    /// </summary>
    public static WebApplication UseBusyRefusals(this WebApplication app)
    {
        ProblemHandler problems = app.Services.GetRequiredService<ProblemHandler>();
        RefusalPace pace = app.Services.GetRequiredService<RefusalPace>();
        app.Use(async (http, next) =>
        {
            try
            {
                await next(http);
            }
            catch (RequestException e) when (e.Kind == ProblemKind.QueueFull && !http.Response.HasStarted)
            {
                await pace.TurnAsync(e, http.RequestAborted);
                http.Response.Clear();
                await problems.TryHandleAsync(http, e, http.RequestAborted);
            }
        });
        return app;
    }
}
