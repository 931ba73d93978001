using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.Net.Http.Headers;

namespace FlowService.Explorer;

/// <summary>One file of the explorer, as it was built into the program: its bytes, and the same compressed.</summary>
internal sealed class ExplorerFile
{
    private const string Folder = "explorer/", Page = "index.html";

    private readonly byte[] plain, compressed;
    private readonly string type;
    private readonly EntityTagHeaderValue tag;

    private ExplorerFile(string name, byte[] bytes)
    {
        (Name, plain, compressed, type) = (name, bytes, Compressed(bytes), TypeOf(name));
        tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\"");
    }

    /// <summary>Where it stands below the service's own address.</summary>
    public string Name { get; }

    public bool IsPage => Name == Page;

    /// <summary>All files that were built into the program.</summary>
    public static ExplorerFile[] All()
    {
        Assembly program = typeof(ExplorerFile).Assembly;
        return [.. program.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Select(name => new ExplorerFile(name[Folder.Length..], Read(program, name)))];
    }

    /// <summary>Answers with the file; with 304 where the client has it.</summary>
    public Task WriteAsync(HttpContext http)
    {
        HttpResponse response = http.Response;
        if (IsPage)
            response.Headers.ContentSecurityPolicy = ExplorerSetup.Policy;
        else if (Path.GetExtension(Name) is ".js" or ".css")
            response.Headers.CacheControl = "public, max-age=31536000, immutable"; // their names hold the hash of their content
        if (IsPage && http.Request.PathBase.HasValue)
            return Results.Text(Under(http.Request.PathBase), type).ExecuteAsync(http);
        bool takesGzip = http.Request.GetTypedHeaders().AcceptEncoding.Any(each => each.Value == "gzip" && each.Quality != 0);
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (takesGzip)
            response.Headers.ContentEncoding = "gzip";
        return Results.Bytes(takesGzip ? compressed : plain, type, entityTag: tag).ExecuteAsync(http);
    }

    // Behind a proxy the page's own address may end without a slash, and what it names by relative paths would lie beside it.
    private string Under(PathString prefix) => Encoding.UTF8.GetString(plain).Replace("\"./", $"\"{HtmlEncoder.Default.Encode(prefix.ToUriComponent())}/", StringComparison.Ordinal);

    private static byte[] Read(Assembly program, string name)
    {
        using Stream stream = program.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static byte[] Compressed(byte[] bytes)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.SmallestSize))
            gzip.Write(bytes);
        return target.ToArray();
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
}
