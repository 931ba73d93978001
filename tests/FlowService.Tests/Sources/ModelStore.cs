using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlowService.Tests.Sources;

/// <summary>A web server, a bucket and a hub of one set of files: what each of their clients would find there.</summary>
internal sealed class ModelStore : IAsyncDisposable
{
    private const int ObjectsOnPage = 3;

    private readonly WebApplication app;

    private ModelStore(WebApplication app) => this.app = app;

    /// <summary>The files, by path.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>What was asked for, each with its Authorization.</summary>
    public ConcurrentQueue<(string Path, string Authorization)> Asked { get; } = new();

    /// <summary>The files whose bytes were sent.</summary>
    public ConcurrentQueue<string> Sent { get; } = new();

    /// <summary>Where requests for a path are sent on to.</summary>
    public ConcurrentDictionary<string, Uri> Elsewhere { get; } = new(StringComparer.Ordinal);

    /// <summary>The hub's commit.</summary>
    public string Commit { get; set; } = new('a', 40);

    public Uri Address => new(app.Urls.First());

    public static async Task<ModelStore> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var store = new ModelStore(app);
        app.Run(store.AnswerAsync);
        await app.StartAsync();
        return store;
    }

    /// <summary>Adds the files of a folder.</summary>
    public void Add(string folder, string prefix = "")
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            Files[prefix + Path.GetRelativePath(folder, path)] = File.ReadAllBytes(path);
    }

    /// <summary>Lists the files as sha256sum does.</summary>
    public void List() => Files["SHA256SUMS"] = Encoding.UTF8.GetBytes(
        string.Concat(Files.Keys.Where(path => path != "SHA256SUMS").Order(StringComparer.Ordinal).Select(path => $"{Hash(Files[path])}  {path}\n")));

    public static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private Task AnswerAsync(HttpContext http)
    {
        string path = Uri.UnescapeDataString(http.Request.Path.Value!.TrimStart('/'));
        Asked.Enqueue((path, http.Request.Headers.Authorization.ToString()));
        if (Elsewhere.TryGetValue(path, out Uri? elsewhere))
        {
            http.Response.Redirect(elsewhere.ToString());
            return Task.CompletedTask;
        }
        if (path.StartsWith("api/models/lab/pumps/revision/", StringComparison.Ordinal))
            return http.Response.WriteAsJsonAsync(new { sha = Commit, siblings = Siblings() });
        if (path.StartsWith($"lab/pumps/resolve/{Commit}/", StringComparison.Ordinal))
            path = path[$"lab/pumps/resolve/{Commit}/".Length..];
        if (path.TrimEnd('/') == "bucket")
            return http.Response.WriteAsync(Page(http.Request.Query), Encoding.UTF8);
        if (path.StartsWith("bucket/", StringComparison.Ordinal))
            path = path["bucket/".Length..];
        if (!Files.TryGetValue(path, out byte[]? bytes))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        http.Response.Headers.ETag = Tag(bytes);
        if (http.Request.Headers.IfNoneMatch == Tag(bytes))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        Sent.Enqueue(path);
        http.Response.ContentLength = bytes.Length;
        return http.Response.Body.WriteAsync(bytes).AsTask();
    }

    private object[] Siblings() =>
        [.. Files.Select(file => file.Key.EndsWith(".safetensors", StringComparison.Ordinal)
            ? (object)new { rfilename = file.Key, size = file.Value.Length, blobId = "of the pointer", lfs = new { sha256 = Hash(file.Value), size = file.Value.Length } }
            : new { rfilename = file.Key, size = file.Value.Length, blobId = GitBlob(file.Value) })];

    // The names that git and stores of objects give to bytes.
#pragma warning disable CA5350, CA5351
    private static string GitBlob(byte[] bytes) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));

    private static string Tag(byte[] bytes) => $"\"{Convert.ToHexStringLower(MD5.HashData(bytes))}\"";
#pragma warning restore CA5350, CA5351

    private string Page(IQueryCollection query)
    {
        string prefix = query["prefix"].ToString();
        int from = int.TryParse(query["continuation-token"], CultureInfo.InvariantCulture, out int next) ? next : 0;
        string[] keys = [.. Files.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        XNamespace s3 = "http://s3.amazonaws.com/doc/2006-03-01/";
        return new XElement(s3 + "ListBucketResult",
            new XElement(s3 + "Name", "bucket"), new XElement(s3 + "Prefix", prefix), new XElement(s3 + "IsTruncated", from + ObjectsOnPage < keys.Length),
            new XElement(s3 + "NextContinuationToken", from + ObjectsOnPage),
            keys.Skip(from).Take(ObjectsOnPage).Select(key => new XElement(s3 + "Contents",
                new XElement(s3 + "Key", key), new XElement(s3 + "ETag", Tag(Files[key])), new XElement(s3 + "Size", Files[key].Length),
                new XElement(s3 + "LastModified", "2026-01-01T00:00:00.000Z")))).ToString();
    }
}
