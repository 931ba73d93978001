using FlowCore.Drift;
using FlowService.Models;

namespace FlowService.Shadow;

/// <summary>What is known of a model's two versions, the one of the setting Shadow and the one that it is compared with. The threads that compare take turns.</summary>
internal sealed class ShadowComparison
{
    /// <summary>The probability that the interval is ever wrong: half of it goes to a false promotion.</summary>
    public const double Alpha = 0.01;

    private readonly Lock adding = new();
    private DifferenceSequence differences = new(Alpha);
    private (long, long)? loads;
    private Promotion? said;
    private bool isSettled;
    private long dropped;

    /// <param name="remembered">Which version served when it was last said, or null where it never was.</param>
    /// <param name="time">What the pace is measured by.</param>
    public ShadowComparison(Promotion? remembered, TimeProvider time)
    {
        Pace = new(time);
        if (remembered is not null)
            Serve(remembered);
        File = remembered;
    }

    /// <summary>What the file says, as far as it was read or written.</summary>
    public Promotion? File { get; set; }

    /// <summary>When rows may be compared.</summary>
    public ComparisonPace Pace { get; }

    /// <summary>Whether the version of the setting serves, of the versions that there are: it was promoted, and none has come since that is higher than it and the other one.</summary>
    public bool IsServing(ModelVersion[] versions) =>
        Volatile.Read(ref said) is { Serves: true } promotion && !Array.Exists(versions, each => each.Serves && each.Version > Math.Max(promotion.Version, promotion.Over));

    /// <summary>A request's rows are not compared: there is too much to do.</summary>
    public void Drop(int rows) => Interlocked.Add(ref dropped, rows);

    /// <summary>Adds rows that both have scored; true where the interval then says that the other version than now should serve.</summary>
    /// <param name="candidate">The log densities of the version of the setting.</param>
    /// <param name="other">Those of the other version.</param>
    /// <param name="loaded">What says that both are still the ones of the rows before: files may have changed.</param>
    /// <param name="isServing">Whether the version of the setting serves now.</param>
    public bool Add(ReadOnlySpan<float> candidate, ReadOnlySpan<float> other, (long, long) loaded, bool isServing)
    {
        lock (adding)
        {
            if (loads is not null && loads != loaded)
                (differences, isSettled) = (new(Alpha), false);
            loads = loaded;
            for (int row = 0; row < candidate.Length; row++)
                differences.Add(candidate[row], other[row]);
            return !isSettled && (isServing ? differences.High < 0 : differences.Low > 0);
        }
    }

    /// <summary>
    /// From now on the version of the setting serves, or the other one. The comparison begins anew where another one did so far. What was promoted and then taken back
    /// by itself is not promoted by itself again.
    /// </summary>
    public void Serve(Promotion promotion)
    {
        lock (adding)
        {
            isSettled = promotion is { ByItself: true, Serves: false };
            if ((promotion.Serves, promotion.Over) != (said?.Serves ?? false, said?.Over ?? promotion.Over))
                differences = new(Alpha);
            Volatile.Write(ref said, promotion);
        }
    }

    /// <summary>What the rows so far come to.</summary>
    /// <param name="isServing">Whether the version of the setting serves now.</param>
    public ShadowState State(bool isServing)
    {
        lock (adding)
            return new(differences.Rows, Interlocked.Read(ref dropped), differences.Mean, differences.Low, differences.High, isServing, (said?.Serves ?? false) == (File?.Serves ?? false));
    }
}

/// <summary>What the compared rows come to.</summary>
/// <param name="Rows">The rows that both versions scored, since the comparison began.</param>
/// <param name="Dropped">Rows that were chosen to be compared and were not, since there was too much to do.</param>
/// <param name="Mean">The mean of log p of the version of the setting minus log p of the other.</param>
/// <param name="Low">The lower end of its interval.</param>
/// <param name="High">The upper end.</param>
/// <param name="IsServing">Whether the version of the setting serves.</param>
/// <param name="IsLasting">Whether that is so after a restart, too.</param>
internal readonly record struct ShadowState(long Rows, long Dropped, double Mean, double Low, double High, bool IsServing, bool IsLasting);
