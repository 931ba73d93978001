using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.Extensions.Options;

namespace FlowService.Security;

internal static class SecuritySetup
{
    public static IServiceCollection AddSecurity(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptionsWithValidateOnStart<AdminOptions, AdminOptionsValidator>().BindConfiguration(AdminOptions.Section);
        services.AddOptionsWithValidateOnStart<SecurityOptions, SecurityOptionsValidator>().BindConfiguration(SecurityOptions.Section);
        services.AddOptionsWithValidateOnStart<JwtOptions, JwtOptionsValidator>().BindConfiguration(JwtOptions.Section);
        services.AddSingleton<KeyRing>().AddSingleton<AccessRules>().AddSingleton<RowQuotas>().AddSingleton<AdminSocket>();
        services.AddHostedService(provider => provider.GetRequiredService<AdminSocket>());
        if (configuration[$"{JwtOptions.Section}:{nameof(JwtOptions.Authority)}"] is { Length: > 0 })
            services.AddTokens();
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<SecurityOptions>>((cors, security) => cors.AddDefaultPolicy(policy => policy
            .WithOrigins(security.Value.OriginList()).AllowAnyHeader().WithMethods(HttpMethods.Get, HttpMethods.Post)
            .WithExposedHeaders("flow-model", "flow-version", "flow-seed", "Retry-After", "Server-Timing")));
        // OriginCheck looks at AllowedHosts itself: its refusal has the form of all others.
        return services.PostConfigure<HostFilteringOptions>(filter => filter.AllowedHosts = ["*"]);
    }

    /// <summary>Stands inside of the error handling, and before anything reads a body.</summary>
    public static void UseSecurity(this WebApplication app)
    {
        app.UsePageHeaders();
        app.UseMiddleware<OriginCheck>();
        app.UseCors();
        app.UseMiddleware<AccessControl>();
    }

    // Only where tokens are taken: the framework would look for one in every request.
    private static void AddTokens(this IServiceCollection services)
    {
        services.AddAuthentication().AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<IOptions<JwtOptions>>((bearer, jwt) =>
        {
            (bearer.Authority, bearer.Audience, bearer.RequireHttpsMetadata) = (jwt.Value.Authority, jwt.Value.Audience, jwt.Value.RequireHttps);
            bearer.MapInboundClaims = false; // the claims as the token names them
        });
    }
}
