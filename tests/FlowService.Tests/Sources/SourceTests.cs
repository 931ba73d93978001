using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Sources;
using FlowService.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowService.Tests.Sources;

/// <summary>Models that are pulled over HTTP into an empty repository, and everything that must not come with them.</summary>
public sealed class SourceTests : IAsyncLifetime
{
    private const string Row = """{"model":"pumps","x":[[0.5,-1]]}""";

    private readonly TemporaryFolder origin = new(), repository = new();
    private ModelStore store = null!;

    public async ValueTask InitializeAsync()
    {
        store = await ModelStore.StartAsync();
        TestModels.Write(origin.Path, TestModels.Spec("pumps", 2), version: 1);
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        origin.Dispose();
        repository.Dispose();
    }

    [Fact]
    public async Task A_listed_folder_serves_what_its_origin_serves_and_a_new_version_follows()
    {
        store.Add(origin.Path);
        store.List();
        await using ServiceHost host = await StartAsync(("From", $"{store.Address}SHA256SUMS"), ("Token", "s3cret"));
        await using ServiceHost there = await ServiceHost.StartAsync(origin.Path);
        using HttpClient http = host.Http(), original = there.Http();
        string expected = (await original.AskAsync("/logprob", Row)).GetRawText();

        Assert.Equal(expected, (await http.AskAsync("/logprob", Row)).GetRawText());
        Assert.All(store.Asked, asked => Assert.Equal("Bearer s3cret", asked.Authorization));
        TestModels.Write(origin.Path, TestModels.Spec("pumps", 2), version: 2);
        store.Add(origin.Path);
        store.List();
        await Eventually.TrueAsync(async () => (await http.AskAsync("/logprob", Row)).GetProperty("version").GetInt32() == 2, "version 2 was pulled");
        await Eventually.TrueAsync(
            () => Directory.GetFileSystemEntries(Path.Combine(repository.Path, ".incoming")).Length == 0, "what was written aside is gone");
    }

    [Fact]
    public async Task Damaged_bytes_never_become_a_model_and_readiness_says_why_until_they_are_mended()
    {
        store.Add(origin.Path);
        store.List();
        byte[] whole = store.Files["pumps/1/weights.safetensors"];
        store.Files["pumps/1/weights.safetensors"] = [.. whole[..^1], (byte)(whole[^1] ^ 1)];
        await using ServiceHost host = ServiceHost.Start(repository.Path, null, Settings(("From", $"{store.Address}SHA256SUMS")));
        using HttpClient http = host.Http();
        JsonElement problem = default;
        await Eventually.TrueAsync(async () =>
        {
            using HttpResponseMessage response = await http.GetAsync("/health/ready");
            problem = await Calls.ProblemAsync(response, HttpStatusCode.ServiceUnavailable);
            return problem.Detail().Contains("SHA-256", StringComparison.Ordinal);
        }, "readiness names the damage");

        Assert.Contains("source s ", problem.Detail(), StringComparison.Ordinal);
        Assert.Contains("pumps/1", problem.Detail(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(repository.Path, "pumps")));
        int looks = store.Sent.Count(path => path == "SHA256SUMS");
        await Eventually.TrueAsync(() => store.Sent.Count(path => path == "SHA256SUMS") >= looks + 3, "the source is looked at again");
        Assert.Equal(1, store.Sent.Count(path => path == "pumps/1/weights.safetensors")); // once, as long as it is the same
        Assert.Equal(1, store.Sent.Count(path => path == "pumps/1/flow.json"));
        store.Files["pumps/1/weights.safetensors"] = whole;
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the model is there");
    }

    [Fact]
    public async Task What_was_brought_serves_though_the_source_is_gone()
    {
        store.Add(origin.Path);
        store.List();
        (string, string) from = ("From", $"{store.Address}SHA256SUMS");
        await using (await StartAsync(from))
        {
        }
        await store.DisposeAsync();
        await using ServiceHost host = await StartAsync(from);
        using HttpClient http = host.Http();
        Assert.Equal(1, (await http.AskAsync("/logprob", Row)).GetProperty("version").GetInt32());
    }

    [Theory]
    [InlineData(".tar.gz")]
    [InlineData(".tar")]
    [InlineData(".zip")]
    public async Task An_archive_is_unpacked_once(string ending)
    {
        string name = "models" + ending;
        byte[] packed = Packed(ending);
        store.Files[name] = packed;
        store.Files[name + ".sha256"] = Encoding.UTF8.GetBytes($"{ModelStore.Hash(packed)}  {name}\n");
        await using ServiceHost host = await AnyAsync();
        ModelSource source = Source(host, ("From", $"{store.Address}{name}"));

        Assert.Equal(1, await Puller(host).PullAsync(source, CancellationToken.None));
        Assert.Equal(0, await Puller(host).PullAsync(source, CancellationToken.None));
        Assert.Equal(0, await Puller(host).PullAsync(Source(host, ("From", $"{store.Address}{name}")), CancellationToken.None)); // as after a restart
        Assert.Equal(1, store.Asked.Count(asked => asked.Path == name));
        AssertBrought("pumps/1");
    }

    [Fact]
    public async Task An_archive_that_is_damaged_or_unfit_is_fetched_once_and_refused_at_each_look()
    {
        byte[] packed = Packed(".tar");
        File.Delete(Path.Combine(origin.Path, "pumps", "1", "weights.safetensors"));
        store.Files["damaged.tar"] = [.. packed[..^1], 1];
        store.Files["unfit.tar"] = Packed(".tar");
        await using ServiceHost host = await AnyAsync();
        ModelSource damaged = Source(host, ("From", $"{store.Address}damaged.tar"), ("Sha256", ModelStore.Hash(packed))),
            unfit = Source(host, ("From", $"{store.Address}unfit.tar"), ("Sha256", ModelStore.Hash(store.Files["unfit.tar"])));

        for (int look = 0; look < 3; look++)
        {
            Assert.Contains("the SHA-256 of", await RefusedAsync(host, damaged), StringComparison.Ordinal);
            Assert.Contains("no such file", await RefusedAsync(host, unfit), StringComparison.Ordinal);
        }
        Assert.Equal(["damaged.tar", "unfit.tar"], store.Sent.Order(StringComparer.Ordinal));
        store.Files["damaged.tar"] = packed;
        Assert.Equal(1, await Puller(host).PullAsync(damaged, CancellationToken.None));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_bucket_is_read_page_by_page_with_signed_requests(bool hasList)
    {
        store.Add(origin.Path);
        if (hasList)
            store.List();
        foreach ((string path, byte[] bytes) in store.Files.ToArray())
            store.Files["fleet/a/" + path] = bytes;
        store.Files["fleet/a/pumps/"] = [];
        store.Files["fleet/a/README.md"] = "none of a version's"u8.ToArray();
        await using ServiceHost host = await AnyAsync();
        ModelSource source = Source(host, ("From", "s3://bucket/fleet/a"), ("Endpoint", store.Address.ToString()), ("AccessKey", "ACCESS"), ("SecretKey", "secret"));

        Assert.Equal(1, await Puller(host).PullAsync(source, CancellationToken.None));
        Assert.Equal(0, await Puller(host).PullAsync(source, CancellationToken.None));
        Assert.All(store.Asked, asked => Assert.StartsWith("AWS4-HMAC-SHA256 Credential=ACCESS/", asked.Authorization, StringComparison.Ordinal));
        AssertBrought("pumps/1");

        store.Files["fleet/a/pumps/2/flow.json"] = store.Files["fleet/a/pumps/1/flow.json"];
        store.Files["fleet/a/pumps/2/weights.safetensors"] = [1, 2, 3];
        if (hasList)
            Assert.Equal(0, await Puller(host).PullAsync(source, CancellationToken.None)); // not listed: it is still being written
        else
            for (int look = 0; look < 2; look++)
                Assert.Contains("flow.json says", await RefusedAsync(host, source), StringComparison.Ordinal);
        Assert.Equal(hasList ? 0 : 1, store.Sent.Count(path => path == "fleet/a/pumps/2/weights.safetensors"));
    }

    [Fact]
    public async Task A_hubs_branch_brings_a_version_for_each_commit_and_no_token_goes_elsewhere()
    {
        await using ModelStore large = await ModelStore.StartAsync();
        string folder = Path.Combine(origin.Path, "pumps", "1");
        store.Add(folder);
        large.Files["blob"] = store.Files["weights.safetensors"];
        store.Elsewhere[$"lab/pumps/resolve/{store.Commit}/weights.safetensors"] = new(large.Address, "blob");
        store.Elsewhere[$"lab/pumps/resolve/{store.Commit}/flow.json"] = new(store.Address, "flow.json");
        await using ServiceHost host = await AnyAsync();
        ModelSource source = Source(host, ("From", "hf://lab/pumps@main"), ("Endpoint", store.Address.ToString()), ("Model", "pumps"), ("Token", "s3cret"));

        Assert.Equal(1, await Puller(host).PullAsync(source, CancellationToken.None));
        Assert.Equal(0, await Puller(host).PullAsync(source, CancellationToken.None));
        AssertBrought("pumps/1");
        Assert.All(store.Asked, asked => Assert.Equal("Bearer s3cret", asked.Authorization));
        Assert.Equal([("blob", "")], large.Asked);
        store.Commit = new('b', 40);
        Assert.Equal(1, await Puller(host).PullAsync(source, CancellationToken.None));
        AssertBrought("pumps/2");
        store.Commit = new('c', 40);
        store.Elsewhere[$"lab/pumps/resolve/{store.Commit}/flow.json"] = new(store.Address, "README.md");
        Assert.Contains("flow.json", await RefusedAsync(host, source), StringComparison.Ordinal); // not the file that git knows
    }

    [Theory]
    [InlineData("../../evil/1/flow.json")]
    [InlineData("/etc/1/flow.json")]
    [InlineData("pumps/../1/flow.json")]
    [InlineData("..\\evil\\1\\flow.json")]
    [InlineData("pumps//1/flow.json")]
    public async Task A_path_that_leads_out_of_the_repository_refuses_all_of_the_source(string path)
    {
        store.Add(origin.Path);
        store.List();
        store.Files["SHA256SUMS"] = [.. store.Files["SHA256SUMS"], .. Encoding.UTF8.GetBytes($"{new string('0', 64)}  {path}\n")];
        byte[] packed = Packed(".tar", path);
        store.Files["evil.tar"] = packed;
        await using ServiceHost host = await AnyAsync();

        Assert.Contains("not a path below a repository", await RefusedAsync(host, Source(host, ("From", $"{store.Address}SHA256SUMS"))), StringComparison.Ordinal);
        Assert.Contains("not a path below a repository",
            await RefusedAsync(host, Source(host, ("From", $"{store.Address}evil.tar"), ("Sha256", ModelStore.Hash(packed)))), StringComparison.Ordinal);
        Assert.Equal([".incoming"], Directory.GetDirectories(repository.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task What_is_wrong_with_a_source_is_said_and_nothing_is_left_of_it()
    {
        store.Add(origin.Path);
        store.List();
        byte[] list = store.Files["SHA256SUMS"];
        await using ServiceHost host = await AnyAsync(("Models:SourceBytes", "1000"));
        var from = ("From", $"{store.Address}SHA256SUMS");

        Assert.Contains("Models:SourceBytes", await RefusedAsync(host, Source(host, from)), StringComparison.Ordinal);
        store.Files["SHA256SUMS"] = "hello"u8.ToArray();
        Assert.Contains("line 1", await RefusedAsync(host, Source(host, from)), StringComparison.Ordinal);
        store.Files["SHA256SUMS"] = Encoding.UTF8.GetBytes(string.Concat(Encoding.UTF8.GetString(list).Split('\n').Where(line => !line.EndsWith("flow.json", StringComparison.Ordinal)).Select(line => line + "\n")));
        Assert.NotEmpty(await RefusedAsync(host, Source(host, from)));
        Assert.Contains("404", await RefusedAsync(host, Source(host, ("From", $"{store.Address}none"))), StringComparison.Ordinal);
        store.Elsewhere["away"] = new("http://models.invalid/SHA256SUMS");
        Assert.Contains("not safe", await RefusedAsync(host, Source(host, ("From", $"{store.Address}away"))), StringComparison.Ordinal);
        store.Elsewhere["circle"] = new(store.Address, "circle");
        Assert.Contains("leads on", await RefusedAsync(host, Source(host, ("From", $"{store.Address}circle"))), StringComparison.Ordinal);
        Assert.Contains("404", await RefusedAsync(host, Source(host, ("From", "s3://none/x"), ("Endpoint", store.Address.ToString()), ("AccessKey", "-"))), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(repository.Path, ".incoming")));
        Directory.Delete(Path.Combine(repository.Path, ".incoming"));
        await File.WriteAllTextAsync(Path.Combine(repository.Path, ".incoming"), "a file where a folder must be");
        Assert.Contains("cannot be written to", await RefusedAsync(host, Source(host, from)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_is_there_is_never_written_over()
    {
        TestModels.Write(repository.Path, TestModels.Spec("pumps", 2), version: 1, scale: 3);
        byte[] mine = await File.ReadAllBytesAsync(Path.Combine(repository.Path, "pumps/1/weights.safetensors"));
        store.Add(origin.Path);
        store.List();
        await using ServiceHost host = await AnyAsync();

        Assert.Equal(0, await Puller(host).PullAsync(Source(host, ("From", $"{store.Address}SHA256SUMS")), CancellationToken.None));
        Assert.Equal(mine, await File.ReadAllBytesAsync(Path.Combine(repository.Path, "pumps/1/weights.safetensors")));
    }

    [Theory]
    [InlineData("From", "ftp://host/x", "must be https")]
    [InlineData("From", "http://host.example/SHA256SUMS", "Use https")]
    [InlineData("Frm", "https://host/x", "From is the nearest")]
    [InlineData("Sha256", "abc", "64 hexadecimal digits")]
    [InlineData("AccessKey", "abc", "SecretKey is missing")]
    [InlineData("Endpoint", "minio:9000", "must be a server")]
    public void A_wrong_setting_is_named(string name, string value, string expected)
    {
        var faults = new List<string>();
        SourceSettings.Read(Configuration(("From", "https://host/SHA256SUMS"), (name, value)), faults);
        Assert.Contains(expected, Assert.Single(faults), StringComparison.Ordinal);
    }

    private Task<ServiceHost> StartAsync(params (string, string)[] source) => ServiceHost.StartAsync(repository.Path, null, Settings(source));

    private static (string, string)[] Settings(params (string Name, string Value)[] source) =>
        [("Models:SourceSeconds", "0.05"), ("Models:PollSeconds", "0"), .. source.Select(each => ($"Models:Sources:s:{each.Name}", each.Value))];

    // A host whose parts are asked: what is wrong with a source needs no start of its own.
    private Task<ServiceHost> AnyAsync(params (string, string)[] settings) =>
        ServiceHost.StartAsync(repository.Path, null, [("Models:AllowEmpty", "true"), ("Models:PollSeconds", "0"), .. settings]);

    private static SourcePuller Puller(ServiceHost host) => host.Services.GetRequiredService<SourcePuller>();

    private static ModelSource Source(ServiceHost host, params (string, string)[] settings)
    {
        var faults = new List<string>();
        SourceSettings read = Assert.Single(SourceSettings.Read(Configuration(settings), faults));
        Assert.Empty(faults);
        return ModelSource.Of(read, host.Services.GetRequiredService<RemoteFiles>());
    }

    private static IConfiguration Configuration(params (string Name, string Value)[] source) => new ConfigurationBuilder()
        .AddInMemoryCollection(source.GroupBy(each => each.Name).ToDictionary(each => $"Models:Sources:s:{each.Key}", each => (string?)each.Last().Value)).Build();

    private static async Task<string> RefusedAsync(ServiceHost host, ModelSource source) =>
        (await Assert.ThrowsAsync<SourceException>(() => Puller(host).PullAsync(source, CancellationToken.None))).Message;

    private void AssertBrought(string version)
    {
        string[] files = ["README.md", "flow.json", "weights.safetensors"];
        Assert.Equal([".source.json", .. files], Directory.GetFiles(Path.Combine(repository.Path, version)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (string file in files)
            Assert.Equal(File.ReadAllBytes(Path.Combine(origin.Path, "pumps/1", file)), File.ReadAllBytes(Path.Combine(repository.Path, version, file)));
    }

    // The origin as an archive, and one more file in it.
    private byte[] Packed(string ending, string? more = null)
    {
        using var packed = new MemoryStream();
        (string Name, byte[] Bytes)[] files =
        [
            .. Directory.GetFiles(origin.Path, "*", SearchOption.AllDirectories).Select(path => ("./" + Path.GetRelativePath(origin.Path, path), File.ReadAllBytes(path))),
            .. more is null ? [] : new[] { (more, new byte[] { 1 }) },
        ];
        if (ending == ".zip")
        {
            using (var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
                foreach ((string name, byte[] bytes) in files)
                    using (Stream content = zip.CreateEntry(name).Open())
                        content.Write(bytes);
            return packed.ToArray();
        }
        using (var tar = new TarWriter(packed, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "pumps/9/flow.json") { LinkName = "/etc/passwd" });
            foreach ((string name, byte[] bytes) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        }
        if (ending == ".tar")
            return packed.ToArray();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(packed.ToArray());
        return compressed.ToArray();
    }
}
