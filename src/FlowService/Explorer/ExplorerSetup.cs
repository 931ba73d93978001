using Microsoft.Extensions.Options;

namespace FlowService.Explorer;

internal static class ExplorerSetup
{
    /// <summary>What the page may load: files of the service's own, and pictures and sounds that it makes itself.</summary>
    public const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    public static IServiceCollection AddExplorer(this IServiceCollection services)
    {
        services.AddOptions<ExplorerOptions>().BindConfiguration(ExplorerOptions.Section);
        return services;
    }

    /// <summary>The page at the service's own address. It is open to all, and what it asks of the service needs a key as ever.</summary>
    public static void MapExplorer(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<ExplorerOptions>>().Value.Enabled)
        {
            app.MapGet("/", () => Results.LocalRedirect("~/swagger")).ExcludeFromDescription();
            return;
        }
        foreach (ExplorerFile file in ExplorerFile.All())
            app.MapGet(file.IsPage ? "/" : $"/{file.Name}", file.WriteAsync).ExcludeFromDescription();
    }
}
