using System.Diagnostics.Metrics;
using FlowService.Telemetry;

namespace FlowService.Shadow;

internal static class ShadowSetup
{
    public static IServiceCollection AddShadow(this IServiceCollection services) => services
        .AddSingleton<PromotionFiles>()
        .AddSingleton<ShadowJudge>()
        .AddHostedService<PromotionWatcher>();

    /// <summary>Which version serves, and what the comparisons have come to, from the start.</summary>
    public static void UseShadow(this WebApplication app)
    {
        ShadowJudge judge = app.Services.GetRequiredService<ShadowJudge>();
        Meter meter = app.Services.GetRequiredService<IMeterFactory>().Create(FlowMetrics.MeterName);
        Gauge("flowservice.shadow.difference", "Mean log density of the compared version minus that of the other, in nats, each row for at most 3.", state => state.Mean);
        Gauge("flowservice.shadow.difference.low", "The lower end of its always-valid interval.", state => state.Low);
        Gauge("flowservice.shadow.difference.high", "The upper end of its always-valid interval.", state => state.High);
        Gauge("flowservice.shadow.rows", "Rows that both versions scored, since the comparison began.", state => state.Rows);
        Gauge("flowservice.shadow.dropped", "Rows that were not compared, since there was too much to do.", state => state.Dropped);
        Gauge("flowservice.shadow.promoted", "1 where the compared version serves.", state => state.IsServing ? 1 : 0);

        void Gauge(string name, string description, Func<ShadowState, double> value) => meter.CreateObservableGauge(name,
            () => judge.All.Select(each => new Measurement<double>(value(each.State), new("model", each.Model), new KeyValuePair<string, object?>("version", each.Version))), description: description);
    }
}
