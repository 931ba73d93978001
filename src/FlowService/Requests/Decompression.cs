using FlowRows;
using Microsoft.AspNetCore.RequestDecompression;

namespace FlowService.Requests;

/// <summary>Bodies that come compressed: gzip, deflate and br are read, whole or not at all. Limits count decompressed bytes.</summary>
internal static class Decompression
{
    public static IServiceCollection AddDecompression(this IServiceCollection services) => services.AddRequestDecompression(options =>
    {
        options.DecompressionProviders["gzip"] = options.DecompressionProviders["x-gzip"] = new Decoder(Coding.Gzip); // RFC 9110, section 8.4.1.3
        options.DecompressionProviders["deflate"] = new Decoder(Coding.Zlib);
        options.DecompressionProviders["br"] = new Decoder(Coding.Brotli);
    });

    public static void UseDecompression(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (http.Request.Headers.ContentEncoding.Count > 0)
                http.Features.Set(CompressedBody.Mark); // the next step takes the header away
            return next(http);
        });
        app.UseRequestDecompression();
    }

    /// <summary>Whether the body came compressed, so that only its end tells whether it is whole.</summary>
    public static bool IsCompressed(HttpContext http) => http.Features.Get<CompressedBody>() is not null;

    private sealed class Decoder(Coding coding) : IDecompressionProvider
    {
        public Stream GetDecompressionStream(Stream stream) => Compression.Reader(stream, coding);
    }

    private sealed class CompressedBody
    {
        public static readonly CompressedBody Mark = new();
    }
}
