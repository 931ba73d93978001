namespace Soak;

/// <summary>What a campaign does.</summary>
/// <param name="Length">How long it lasts.</param>
/// <param name="Seed">What chance begins with.</param>
/// <param name="Engine">The service's engine, <c>compiled</c> or <c>torch</c>.</param>
/// <param name="Pause">The longest time that a client thinks between two requests; none asks as fast as it can.</param>
/// <param name="Leaks">Whether connections are opened and never closed: the control that must be found.</param>
internal sealed record CampaignPlan(TimeSpan Length, int Seed = 1, string Engine = "compiled", TimeSpan Pause = default, bool Leaks = false);
