extern alias cli;
using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;

namespace FlowRows.Tests;

/// <summary>The service and the command line over the same models, asked the same.</summary>
public sealed class BothPrograms : IAsyncLifetime
{
    private readonly TemporaryFolder files = new();
    private readonly TemporaryFolder repository = TestModels.Repository();
    private readonly WebApplicationFactory<Program> service;

    public BothPrograms() => service = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
    {
        builder.UseSetting("Models:Repository", repository.Path);
        builder.UseSetting("Grpc:Port", "0");
        builder.UseSetting("Logging:LogLevel:Default", "Critical");
    });

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Http = service.CreateClient();
        while ((await Http.GetAsync("/health/ready")).StatusCode != HttpStatusCode.OK)
            await Task.Yield();
    }

    public async ValueTask DisposeAsync()
    {
        await service.DisposeAsync();
        repository.Dispose();
        files.Dispose();
    }

    public string Model(string name) => Path.Combine(repository.Path, name, "1");

    public string Write(string name, byte[] content)
    {
        string path = Path.Combine(files.Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>What the service says of a body: its answer, or the detail of its refusal.</summary>
    internal async Task<Said> ServiceAsync(string path, byte[] body, string contentType, string accept, string? encoding = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (encoding is not null)
            request.Content.Headers.ContentEncoding.Add(encoding);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using HttpResponseMessage response = await Http.SendAsync(request);
        byte[] answer = await response.Content.ReadAsByteArrayAsync();
        return response.IsSuccessStatusCode ? new(answer, null)
            : new([], JsonDocument.Parse(answer).RootElement.GetProperty("detail").GetString());
    }

    /// <summary>What the command line says of the same bytes in a file.</summary>
    internal Said CommandLine(string operation, string model, string file, string extension, params string[] options)
    {
        string output = Path.Combine(files.Path, $"out{Guid.NewGuid():N}{extension}");
        using var error = new StringWriter();
        int code = cli::FlowCli.FlowCommand.Run(
            [operation, "--model", Model(model), "--input", file, "--output", output, .. options], TextWriter.Null, error);
        string prefix = $"flow: {file}: ";
        string said = error.ToString().TrimEnd('\n');
        return code == 0 ? new(File.ReadAllBytes(output), null) : new([], said.StartsWith(prefix, StringComparison.Ordinal) ? said[prefix.Length..] : said);
    }
}

/// <summary>An answer, or the words of a refusal.</summary>
internal sealed record Said(byte[] Answer, string? Refusal);
