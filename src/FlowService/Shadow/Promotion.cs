namespace FlowService.Shadow;

/// <summary>Which of two compared versions serves, as it is kept in a file.</summary>
/// <param name="Version">The version of the setting Shadow: under another setting the file says nothing.</param>
/// <param name="Serves">Whether that version serves, or the other one.</param>
/// <param name="ByItself">Whether nobody said so: the comparison did.</param>
/// <param name="Over">The version that it was compared with then: a higher one than both that comes later serves.</param>
internal sealed record Promotion(int Version, bool Serves, bool ByItself, int Over = 0);
