using System.Net.Http.Headers;

namespace FlowService.Tests.Hostile;

/// <summary>A request that is answered: the beginning of many that must be refused.</summary>
/// <param name="Name">What it is called in messages.</param>
/// <param name="Path">The path and query.</param>
/// <param name="Type">The body's media type, or null for none.</param>
/// <param name="Body">The body.</param>
internal sealed record Subject(string Name, string Path, string? Type, byte[] Body)
{
    /// <summary>The body's coding.</summary>
    public string? Coding { get; init; }

    /// <summary>The length of the JSON part before raw tensors.</summary>
    public string? HeaderLength { get; init; }

    /// <summary>Whether it is a gRPC message in its frame.</summary>
    public bool IsGrpc => Type == "application/grpc";

    public override string ToString() => Name;

    public HttpRequestMessage Request(byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = Type is null ? null : MediaTypeHeaderValue.Parse(Type);
        if (Coding is not null)
            request.Content.Headers.ContentEncoding.Add(Coding);
        if (HeaderLength is not null)
            request.Headers.TryAddWithoutValidation(OpenInference.V2Calls.HeaderLength, HeaderLength);
        if (IsGrpc)
        {
            request.Version = System.Net.HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            request.Headers.TryAddWithoutValidation("TE", "trailers");
        }
        return request;
    }
}
