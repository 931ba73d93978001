using FlowService.Models;
using FlowService.OpenInference.Grpc;
using FlowService.Security;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.Startup;

/// <summary>
/// The life of the process: what is asked on the command line is answered; the service starts only with settings that are right, and
/// else says every fault in a line with its remedy, and nothing else.
/// </summary>
internal static class Service
{
    private const int Stopped = 0, NotStarted = 1;

    /// <summary>Runs until the process is told to stop.</summary>
    /// <returns>The exit code: 0 stopped, 1 not started.</returns>
    public static int Run(string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> use)
    {
        var commandLine = new CommandLine(args);
        if (commandLine.AsksHelp || commandLine.AsksVersion)
        {
            Console.WriteLine(commandLine.AsksHelp ? HelpText.Help() : HelpText.Version);
            return Stopped;
        }
        if (commandLine.AsksSettings)
        {
            Console.WriteLine(SettingsTable.Page());
            return Stopped;
        }
        if (commandLine.AsksKey)
        {
            KeyCommand.Run(reads: args.Length > 1, Console.In, Console.Out);
            return Stopped;
        }
        if (commandLine.Faults.Count > 0)
            return Refuse(commandLine.Faults);
        WebApplicationBuilder? builder = null;
        bool hasStarted = false;
        try
        {
            // appsettings.json lies beside the program, whatever folder it is started from.
            builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = commandLine.Args, ContentRootPath = AppContext.BaseDirectory });
            if (KnownSettings.Faults(builder.Configuration, commandLine).ToList() is { Count: > 0 } faults)
                return Refuse(faults.Concat(OutOfRange(builder, add, commandLine.WithoutValue)).Distinct());
            builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => hasStarted && level >= LogLevel.Information); // else the same with its stack
            add(builder);
            WebApplication app = builder.Build();
            app.Lifetime.ApplicationStarted.Register(() => hasStarted = true);
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            use(app);
            Check(app);
            app.Run();
            return Stopped;
        }
        catch (Exception e) when (e is not HostAbortedException && !hasStarted)
        {
            return Refuse(StartFaults.Of(e, builder?.Configuration));
        }
    }

    // What can be read at all may be wrong too, and is said along with what cannot.
    private static IEnumerable<string> OutOfRange(WebApplicationBuilder builder, Action<WebApplicationBuilder> add, IReadOnlyCollection<string> without)
    {
        var readable = builder.Configuration.AsEnumerable()
            .Where(setting => KnownSettings.Fault(setting.Key, setting.Value) is null && !without.Contains(setting.Key, StringComparer.OrdinalIgnoreCase)).ToList();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(readable);
        try
        {
            add(builder);
            WebApplication app = builder.Build(); // the process ends with it
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (Exception e)
        {
            return e is OptionsValidationException or AggregateException ? StartFaults.Of(e, null) : []; // the rest comes to light once these are mended
        }
    }

    private static void Check(WebApplication app)
    {
        app.Services.GetRequiredService<TorchRuntime>(); // fails here where the device is absent
        app.AddPort(app.Services.GetRequiredService<IOptions<GrpcOptions>>().Value.Port, $"{GrpcOptions.Section}:{nameof(GrpcOptions.Port)}");
        app.AddPort(app.Services.GetRequiredService<IOptions<TelemetryOptions>>().Value.MetricsPort, $"{TelemetryOptions.Section}:{nameof(TelemetryOptions.MetricsPort)}");
        app.AddAddress(app.Services.GetRequiredService<AdminSocket>().Address);
    }

    private static int Refuse(IEnumerable<string> faults)
    {
        foreach (string fault in faults)
            Console.Error.WriteLine($"FlowService does not start: {fault}");
        return NotStarted;
    }
}
