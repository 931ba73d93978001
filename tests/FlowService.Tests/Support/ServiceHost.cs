using System.Diagnostics.Metrics;
using System.Net;
using FlowRows.Buffers;
using FlowService.Models;
using FlowService.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Support;

/// <summary>The whole service on a real Kestrel port.</summary>
internal sealed class ServiceHost : WebApplicationFactory<Program>
{
    /// <summary>The administrator's key, unless the test has its own.</summary>
    public const string AdminKey = "the-tests-own";

    private const string AdminSetting = "Admin:Key";

    private readonly string repository;
    private volatile bool hasLost;
    private readonly (string Key, string Value)[] settings;
    private readonly EngineFactory? engines;
    private readonly AbortCounter aborts = new();
    private ListenOptions? http1, http2;

    private ServiceHost(string repository, EngineFactory? engines, (string Key, string Value)[] settings)
    {
        (this.repository, this.engines, this.settings) = (repository, engines, settings);
        // Not UseKestrel(port): that sets the port while the program may be starting already.
        UseKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0, listen => http1 = listen);
            options.Listen(IPAddress.Loopback, 0, listen => (http2 = listen).Protocols = HttpProtocols.Http2);
        });
    }

    /// <summary>Starts, and waits until the models are loaded.</summary>
    public static async Task<ServiceHost> StartAsync(string repository, EngineFactory? engines = null, params (string Key, string Value)[] settings)
    {
        ServiceHost host = Start(repository, engines, settings);
        using HttpClient http = host.Http();
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the service is ready");
        return host;
    }

    /// <summary>Starts, and does not wait.</summary>
    public static ServiceHost Start(string repository, EngineFactory? engines = null, params (string Key, string Value)[] settings)
    {
        var host = new ServiceHost(repository, engines, settings);
        host.StartServer();
        return host;
    }

    public Uri Address => new($"http://{http1!.IPEndPoint}");

    /// <summary>Where it speaks gRPC.</summary>
    public Uri GrpcAddress => new($"http://{http2!.IPEndPoint}");

    /// <summary>The rows that wait for any model; -1 while some have places and are not queued yet, so that whoever waits for a number knows who goes first.</summary>
    public long QueuedRows => Registry.Served.Sum(model => model.Queue.Rows) is var rows
        && rows == Registry.Served.Sum(model => model.Queue.QueuedRows) ? rows : -1;

    public ModelRegistry Registry => Services.GetRequiredService<ModelRegistry>();

    /// <summary>The requests of which the service has noticed that their client is gone.</summary>
    public int AbortedRequests => aborts.Count;

    public RowPool Pool => Services.GetRequiredService<RowPool>();

    /// <summary>Waits until no request holds a buffer. What one test has lost lets the others fail at once, not wait in vain.</summary>
    public async Task BuffersAreBackAsync()
    {
        Assert.False(hasLost, "buffers were lost before this test");
        try
        {
            await Eventually.TrueAsync(() => Pool.Outstanding == 0, "all buffers are back");
        }
        catch
        {
            hasLost = true;
            throw;
        }
    }

    /// <summary>A client, which may load and unload models unless the test has a key of its own.</summary>
    public HttpClient Http()
    {
        HttpClient http = Anonymous();
        if (!HasOwnKey)
            http.DefaultRequestHeaders.Authorization = new("Bearer", AdminKey);
        return http;
    }

    /// <summary>A client without a key.</summary>
    public HttpClient Anonymous() => new() { BaseAddress = Address };

    private bool HasOwnKey => Array.Exists(settings, setting => setting.Key == AdminSetting);

    public MetricCollector<T> Metric<T>(string instrument)
        where T : struct =>
        Metric<T>(FlowMetrics.MeterName, instrument);

    public MetricCollector<T> Metric<T>(string meter, string instrument)
        where T : struct =>
        new(Services.GetRequiredService<IMeterFactory>(), meter, instrument);

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Models:Repository", repository);
        if (!HasOwnKey)
            builder.UseSetting(AdminSetting, AdminKey);
        foreach ((string key, string value) in settings)
            builder.UseSetting(key, value);
        builder.UseSetting("Logging:LogLevel:Default", "Critical");
        builder.ConfigureTestServices(services =>
        {
            services.AddSingleton<IStartupFilter>(aborts);
            if (engines is not null)
                services.AddSingleton(engines);
        });
    }

    /// <summary>It is the first to register with a request's token, and so the last to be called.</summary>
    private sealed class AbortCounter : IStartupFilter
    {
        private int count;

        public int Count => Volatile.Read(ref count);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((http, rest) =>
            {
                http.RequestAborted.Register(() => Interlocked.Increment(ref count));
                return rest(http);
            });
            next(app);
        };
    }
}
