using FlowRows;
using FlowService.Requests;
using Microsoft.AspNetCore.ResponseCompression;

namespace FlowService.Compressing;

internal static class CompressingSetup
{
    public static IServiceCollection AddCompression(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<CompressionOptions, CompressionOptionsValidator>().BindConfiguration(CompressionOptions.Section);
        services.AddSingleton<IResponseCompressionProvider, AnswerCompression>();
        return services.AddResponseCompression(options =>
        {
            options.MimeTypes = [MediaTypes.Json, .. RowFormats.Streamed.Where(format => !format.IsBinary).Select(format => format.MediaType)];
            options.EnableForHttps = true; // no answer holds a secret beside what a stranger sent
        });
    }

    public static void UseCompression(this WebApplication app) => app.UseResponseCompression();
}
