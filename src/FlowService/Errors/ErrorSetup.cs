namespace FlowService.Errors;

internal static class ErrorSetup
{
    public static IServiceCollection AddErrors(this IServiceCollection services)
    {
        // Endpoints read their bodies themselves; what the framework binds (route, query) shall fail with our format too.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddSingleton<ProblemHandler>().AddSingleton<BusyRefusals>();
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
    /// Answers 429 as near to its cause as can be, where it was thrown: each piece of middleware that an exception passes catches it and
    /// throws it again.
    /// </summary>
    public static WebApplication UseBusyRefusals(this WebApplication app)
    {
        BusyRefusals refusals = app.Services.GetRequiredService<BusyRefusals>();
        app.Use(async (http, next) =>
        {
            try
            {
                await next(http);
            }
            catch (RequestException e) when (e.Kind == ProblemKind.QueueFull && !http.Response.HasStarted)
            {
                await refusals.AnswerAsync(http, e);
            }
        });
        return app;
    }
}
