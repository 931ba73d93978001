using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace FlowService.Sources;

/// <summary>
/// Objects below a prefix in the layout of a repository, by the S3 API. Where an object SHA256SUMS lies at the prefix, only what it lists is taken, and compared with it; else the client compares
/// an object with the hash that the store keeps of it, where it keeps one.
/// </summary>
internal sealed class BucketSource(SourceSettings settings) : ModelSource(settings)
{
    public const string Scheme = "s3", Unsigned = "-";

    private const int MostObjects = 100_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lazy<AmazonS3Client> client = new(() => Connect(settings));

    private string Bucket => Settings.From.Host;

    private string Prefix => Settings.From.AbsolutePath.Trim('/') is { Length: > 0 } prefix ? Uri.UnescapeDataString(prefix) + "/" : "";

    public override async Task<IReadOnlyList<SourceVersion>> ListAsync(Func<string, bool> known, Aside aside, CancellationToken stop)
    {
        try
        {
            List<S3Object> objects = await ObjectsAsync(stop);
            Dictionary<string, string>? hashes = objects.Exists(each => each.Key == Prefix + HashList.FileName) ? await HashesAsync(stop) : null;
            var files = objects.Where(each => !each.Key.EndsWith('/')) // what consoles write for an empty folder
                .Select(each => (Object: each, At: SourcePath.Of(each.Key[Prefix.Length..])))
                .Where(each => each.At is not null && hashes?.ContainsKey($"{each.At.Model}/{each.At.Version}/{each.At.File}") != false);
            return [.. files.GroupBy(file => (file.At!.Model, file.At.Version)).Select(version => new SourceVersion(version.Key.Model, version.Key.Version,
                HashList.Over(version.Select(file => $"{file.Object.ETag} {file.Object.Size} {file.At!.File}")),
                [.. version.Select(file => Of(file.Object, file.At!, hashes))]))];
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException)
        {
            throw Fault(e);
        }
    }

    private SourceFile Of(S3Object found, SourcePath at, Dictionary<string, string>? hashes) =>
        new(at.File, new(found.Size, hashes?[$"{at.Model}/{at.Version}/{at.File}"]), async (unless, stop) => new(unless == found.ETag ? Stream.Null : await OpenAsync(found.Key, found.ETag, stop), found.ETag));

    private async Task<List<S3Object>> ObjectsAsync(CancellationToken stop)
    {
        var objects = new List<S3Object>();
        var request = new ListObjectsV2Request { BucketName = Bucket, Prefix = Prefix };
        do
        {
            ListObjectsV2Response page = await client.Value.ListObjectsV2Async(request, stop);
            objects.AddRange(page.S3Objects ?? []);
            if (objects.Count > MostObjects)
                throw new SourceException($"{Settings.From} holds more than {MostObjects} objects; name a prefix that holds models alone");
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
        return objects;
    }

    private async Task<Dictionary<string, string>> HashesAsync(CancellationToken stop)
    {
        using GetObjectResponse list = await client.Value.GetObjectAsync(Bucket, Prefix + HashList.FileName, stop);
        if (list.ContentLength > HashList.LongestList)
            throw new SourceException($"{HashList.FileName} of {Settings.From} is longer than {HashList.LongestList} bytes");
        using var reader = new StreamReader(list.ResponseStream);
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string path, string sha256) in HashList.Read(await reader.ReadToEndAsync(stop), $"{HashList.FileName} of {Settings.From}"))
            if (SourcePath.Of(path) is { } at)
                hashes[$"{at.Model}/{at.Version}/{at.File}"] = sha256;
        return hashes;
    }

    // The client compares the bytes with the hash that the store keeps of them, where it keeps one.
    private async Task<Stream> OpenAsync(string key, string tag, CancellationToken stop)
    {
        try
        {
            var request = new GetObjectRequest { BucketName = Bucket, Key = key, EtagToMatch = tag, ChecksumMode = ChecksumMode.ENABLED };
            return (await client.Value.GetObjectAsync(request, stop)).ResponseStream;
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException)
        {
            throw Fault(e);
        }
    }

    private static SourceException Fault(Exception e) => new(e is AmazonServiceException { StatusCode: > 0 } refused
        ? $"the S3 API answers {(int)refused.StatusCode} ({refused.ErrorCode}): {refused.Message}"
        : $"the S3 API cannot be asked: {e.GetBaseException().Message}", e);

    private static AmazonS3Client Connect(SourceSettings settings)
    {
        var config = new AmazonS3Config
        {
            AuthenticationRegion = settings.Region,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_SUPPORTED,
            Timeout = Patience,
            MaxErrorRetry = 2,
        };
        if (settings.Endpoint is { } endpoint)
            (config.ServiceURL, config.ForcePathStyle) = (endpoint.ToString(), true);
        else
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(settings.Region);
        return settings.AccessKey switch
        {
            null => new AmazonS3Client(config),
            Unsigned => new AmazonS3Client(new AnonymousAWSCredentials(), config),
            _ => new AmazonS3Client(settings.AccessKey, settings.SecretKey, config),
        };
    }
}
