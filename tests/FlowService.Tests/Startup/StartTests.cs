using System.Net;
using System.Net.Sockets;
using FlowService.Security;
using FlowService.Tests.Support;

namespace FlowService.Tests.Startup;

/// <summary>The first minute with the program itself: what it answers, what it refuses and how, and what it says once it runs.</summary>
public sealed class StartTests
{
    private const string Refusal = "FlowService does not start: ";

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Help_lists_every_setting_with_its_meaning(string option)
    {
        var (exitCode, output, errors) = await ServiceProcess.RunAsync([option]);

        Assert.Equal((0, 0), (exitCode, errors.Length));
        foreach (string setting in FlowService.Startup.KnownSettings.Own.Keys)
        {
            int line = Array.IndexOf(output, $"  --{setting} VALUE");
            Assert.True(line >= 0 && output[line + 1].StartsWith("      ", StringComparison.Ordinal), setting);
        }
        Assert.Contains("      The most rows in one batch (default 4096). A larger request is computed in slices of at most this many.", output);
    }

    [Fact]
    public async Task The_page_of_the_settings_is_what_the_program_prints()
    {
        var (_, output, _) = await ServiceProcess.RunAsync(["--settings"]);

        string[] page = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "settings.md"));
        Assert.Equal(page.Where(line => line.Length > 0), output); // FlowService --settings > docs/settings.md
        Assert.All(output.Where(line => line.StartsWith("| `", StringComparison.Ordinal)), line => Assert.NotEqual("", line.Split('|')[4].Trim()));
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        var (exitCode, output, _) = await ServiceProcess.RunAsync(["--version"]);

        Assert.Equal(0, exitCode);
        Assert.Matches(@"^FlowService \d+\.\d+\.\d+$", Assert.Single(output));
    }

    [Theory]
    [InlineData("There is no setting Batching:BatchRow; Batching:BatchRows is the nearest.", "--Batching:BatchRow", "5")]
    [InlineData("There is no setting Batching:BatchRow; Batching:BatchRows is the nearest.", "--Batching:BatchRow=5")]
    [InlineData("There is no setting Batching:BatchRow; Batching:BatchRows is the nearest.", "--Batching:BatchRow")]
    [InlineData("There is no setting Batching:BatchRow; Batching:BatchRows is the nearest.", "--Batching:BatchRow=")]
    [InlineData("There is no setting port; urls (like --urls http://localhost:8080) is the nearest.", "--port", "9000")]
    [InlineData("There is no setting url; urls (like --urls http://localhost:8080) is the nearest.", "--url", "http://localhost:9000")]
    [InlineData("There is no setting device; Torch:Device is the nearest.", "--device=cuda")]
    [InlineData("There is no setting models; Models:Repository is the nearest.", "--models", "/models")]
    [InlineData("There is no setting model-repository; Models:Repository is the nearest.", "--model-repository=/models")]
    [InlineData("There is no setting Batch:Rows; ", "--Batch:Rows", "5")]
    [InlineData("There is no setting Models:Repository:Path; Models:Repository is the nearest.", "--Models:Repository:Path", "5")]
    [InlineData("There is no setting Qqqqqqqqqq:Zzzzzzzzzz. FlowService --help lists the settings.", "--Qqqqqqqqqq:Zzzzzzzzzz=1")]
    [InlineData("'models' is not a setting: settings are given as --Section:Name VALUE.", "models")]
    [InlineData("'-p=9000' is not a setting", "-p=9000")]
    [InlineData("--Torch:Device has no value", "--Torch:Device", "--Grpc:Port", "0")]
    [InlineData("--Torch:Device has no value", "--Torch:Device")]
    [InlineData("Batching:BatchRows must be a whole number (of 32 bits); it is 'many'.", "--Batching:BatchRows=many")]
    [InlineData("Models:AllowEmpty must be true or false; it is 'yes'.", "--Models:AllowEmpty=yes")]
    [InlineData("Shutdown:PauseSeconds must be a number; it is '1s'.", "--Shutdown:PauseSeconds=1s")]
    [InlineData(Refusal + "Batching:BatchRows must lie in 1..1048576", "--Batching:BatchRows=0")]
    [InlineData(Refusal + "Models:Repository must name a folder", "--Models:Repository=")]
    [InlineData("Models:Overrides:moons:BatchRow is unknown", "--Models:Overrides:moons:BatchRow=5")]
    [InlineData("Models:Overrides:moons:BatchRows must be a whole number (of 32 bits); it is 'many'.", "--Models:Overrides:moons:BatchRows=many")]
    [InlineData("Models:Overrides:moons:Versions is a list; it is one text, with commas between its parts.", "--Models:Overrides:moons:Versions:0=1")]
    [InlineData("Models:Overrides:moons is '5'; it is a section, with settings like Models:Overrides:moons:BatchRows.", "--Models:Overrides:moons=5")]
    [InlineData("AllowedHosts is a list; it is one text", "--AllowedHosts:0=flows.example")]
    [InlineData("Proxy:Trusted must list addresses or networks", "--Proxy:Trusted=nginx")]
    [InlineData("Grpc:Port is 18080, where the service listens for HTTP", "--Grpc:Port=18080", "--urls=http://127.0.0.1:18080")]
    [InlineData("Invalid url: 'localhost'", "--urls=localhost")]
    [InlineData("A port lies in 0..65535: choose another address with --urls", "--urls=http://127.0.0.1:99999", "--Grpc:Port=0")]
    [InlineData("It would listen at http://0.0.0.0:0, where others than this machine reach it, and nobody would need a key. Make one with 'FlowService key'", "--urls=http://0.0.0.0:0", "--Admin:Key=s")]
    [InlineData("It would listen at https://[::]:0,", "--Kestrel:Endpoints:All:Url=https://[::]:0")]
    [InlineData("There is no certificate for https (https://127.0.0.1:0): name one with Kestrel:Endpoints:Tls:Certificate:Path", "--Kestrel:Endpoints:Tls:Url=https://127.0.0.1:0", "--Grpc:Port=0")]
    [InlineData("There is no certificate for https (https://127.0.0.1:0): name one with Kestrel:Certificates:Default:Path", "--urls=https://127.0.0.1:0", "--Grpc:Port=0")]
    [InlineData("Kestrel:Certificates:Default:Path is /none.pfx, and there is no such file.", "--urls=https://127.0.0.1:0", "--Grpc:Port=0", "--Kestrel:Certificates:Default:Path=/none.pfx")]
    [InlineData("The certificate of Kestrel:Certificates:Default:Path cannot be used: ", "--urls=https://127.0.0.1:0", "--Grpc:Port=0", "--Kestrel:Certificates:Default:Path=appsettings.json")]
    [InlineData("urls is empty: say where to listen", "--urls=")]
    [InlineData("Logging:Console:FormatterOptions:SingleLine must be true or false; it is 'maybe'.", "--Logging:Console:FormatterOptions:SingleLine=maybe")]
    [InlineData("Logging:LogLevel:Default must be Trace, Debug, Information, Warning, Error, Critical, None; it is 'Loud'.", "--Logging:LogLevel:Default=Loud", "--urls=http://127.0.0.1:0", "--Grpc:Port=0")]
    public async Task What_is_wrong_with_the_settings_is_one_line_with_the_remedy(string words, params string[] arguments)
    {
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(arguments);

        Assert.Equal(1, exitCode);
        Assert.DoesNotContain(output, line => line.Contains("   at ", StringComparison.Ordinal));
        string line = Assert.Single(errors);
        Assert.StartsWith(Refusal, line, StringComparison.Ordinal);
        Assert.Contains(words, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beyond_this_machine_it_listens_with_keys_or_when_told_that_it_may_be_insecure()
    {
        string[] open = ["--urls=http://0.0.0.0:0", "--Grpc:Port=0", "--Logging:LogLevel:Default=None", "--Models:Devices=none"];
        var (_, _, insecure) = await ServiceProcess.RunAsync([.. open, "--insecure"]);
        var (_, _, withKey) = await ServiceProcess.RunAsync(open, ("Keys__lab__Hash", $"{KeyHash.Of("k")}"));

        // The device alone keeps it from starting: there is none of that name.
        Assert.Contains("Models:Devices", Assert.Single(insecure), StringComparison.Ordinal);
        Assert.Contains("Models:Devices", Assert.Single(withKey), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_that_is_wrong_is_said_at_once()
    {
        var (_, _, errors) = await ServiceProcess.RunAsync(["--Keys:lab:Hash=plain", "--Keys:lab:Scopes=all", "--Keys:lab:Key=x", "--Keys:lab:RowsPerMinute=-1", "--Security:KeysFile=/none.json",
            "--Security:Origins=lab.example", "--Jwt:Authority=http://login.example", "--Jwt:Audience=flows", "--Telemetry:MetricsPort=70000",
            "--Limits:RowsPerRequest=many", "--Batching:BatchRow=5", "--Kestrel:Limits:MaxRequestBodySize=abc", "--Kestrel:Limits:Http2:MaxStreamsPerConnection=0", "--Admin:Socket=/none/admin.sock", "--Logging:LogLevel:Default=Loud"]);

        string[] expected =
        [
            "Keys:lab:Hash must be sha256:SALT:HASH", "Keys:lab:Scopes must list some of infer, metrics, admin; 'all' is none of them.", "Keys:lab:Key is unknown", "Keys:lab:RowsPerMinute must be",
            "Security:KeysFile is /none.json, and cannot be read", "Security:Origins must list origins", "Jwt:Authority must be an https address", "Telemetry:MetricsPort must lie in",
            "Limits:RowsPerRequest must be a whole number (of 32 bits); it is 'many'.", "There is no setting Batching:BatchRow; ", "Admin:Socket is /none/admin.sock, and its folder does not exist",
            "Logging:LogLevel:Default must be Trace, ", "Kestrel:Limits:MaxRequestBodySize must be a whole number (of 64 bits); it is 'abc'.",
            "Kestrel:Limits:Http2:MaxStreamsPerConnection is 0, which is out of range",
        ];
        Assert.Equal(expected.Length, errors.Length);
        Assert.All(expected, words => Assert.Contains(errors, line => line.Contains(words, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_key_is_made_with_the_hash_that_the_service_keeps()
    {
        var (exitCode, output, _) = await ServiceProcess.RunAsync(["key"]);

        Assert.Equal(0, exitCode);
        Assert.Matches("^Key:  flow_[A-Za-z0-9_-]{43}$", output[0]);
        Assert.True(KeyHash.TryParse(output[1]["Hash: ".Length..])!.Matches(output[0]["Key:  ".Length..]));
        Assert.False(KeyHash.TryParse(output[1]["Hash: ".Length..])!.Matches(output[0]["Key: ".Length..]));
    }

    [Fact]
    public async Task Every_fault_is_said_at_once()
    {
        var (exitCode, _, errors) = await ServiceProcess.RunAsync(["--Batching:BatchRow=5", "--port=1"], ("Limits__BodyBytes", "much"), ("Cache__Size", "5"), ("Model__Repository", "/models"), ("Other__Setting", "1"));

        Assert.Equal(1, exitCode);
        Assert.Equal(["port", "Batching:BatchRow", "Cache:Size", "Limits:BodyBytes", "Model:Repository"],
            errors.Select(line => line[Refusal.Length..].Replace("There is no setting ", "", StringComparison.Ordinal).Split(';', ' ', '.')[0]).OrderBy(name => name == "port" ? "" : name, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_settings_file_that_cannot_be_read_is_one_line_with_its_name()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "appsettings.Unreadable.json");
        await File.WriteAllTextAsync(file, """{ "Batching": { "BatchRows": 5, } """);
        try
        {
            var (exitCode, _, errors) = await ServiceProcess.RunAsync(["--environment=Unreadable"]);

            Assert.Equal(1, exitCode);
            Assert.Contains("appsettings.Unreadable.json", Assert.Single(errors), StringComparison.Ordinal);
            Assert.Contains("LineNumber: 0", errors[0], StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("--urls", "choose another address with --urls")]
    [InlineData("--Grpc:Port", "choose another port for gRPC with --Grpc:Port")]
    public async Task A_port_that_is_taken_is_one_line_with_its_setting(string setting, string words)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port, free = ServiceProcess.FreePort();
        string urls = $"http://127.0.0.1:{(setting == "--urls" ? port : free)}";

        var (exitCode, _, errors) = await ServiceProcess.RunAsync([$"--urls={urls}", $"--Grpc:Port={(setting == "--urls" ? 0 : port)}", "--Models:AllowEmpty=true", "--Logging:LogLevel:Default=None"]);

        Assert.Equal(1, exitCode);
        Assert.Contains(words, Assert.Single(errors), StringComparison.Ordinal);
        Assert.Contains($"{port}", errors[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_of_ASPNET_are_taken_and_three_lines_say_what_has_started()
    {
        using TemporaryFolder repository = TestModels.Repository();
        Directory.CreateDirectory(Path.Combine(repository.Path, "broken", "1"));
        await File.WriteAllTextAsync(Path.Combine(repository.Path, "broken", "1", "flow.json"), "{}");
        int port = ServiceProcess.FreePort();

        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, port,
            "--AllowedHosts=*", "--Logging:LogLevel:Default=Information", "--Kestrel:Limits:MaxConcurrentConnections=100", "--environment", "Production");

        // The last of the three comes once the service is ready.
        await Eventually.TrueAsync(() => Task.FromResult(service.Log.Any(line => line.Contains("Skipped:", StringComparison.Ordinal))), "what was skipped is said");
        string[] said = [.. service.Log.Select(line => line.Trim())];
        Assert.Contains($"Listening: page http://127.0.0.1:{port}/, API http://127.0.0.1:{port}, gRPC nowhere (Grpc:Port is 0)", said);
        Assert.Contains("Serving: digits 1, patients 1, posterior 1, two-moons 1, wide 1", said);
        Assert.Contains(said, line => line.StartsWith("Skipped: broken 1 (", StringComparison.Ordinal));
        Assert.DoesNotContain(said, line => line.Contains("Press Ctrl+C", StringComparison.Ordinal));
    }
}
