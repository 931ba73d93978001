using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Neighbouring values that stay neighbours: <see cref="Length"/> values from <see cref="From"/> on go to <see cref="To"/> on.</summary>
internal readonly record struct Run(int From, int To, int Length)
{
    /// <summary>The runs of a list: value i comes from from[i] and goes to to[i].</summary>
    public static Run[] Of(IReadOnlyList<int> from, IReadOnlyList<int>? to = null)
    {
        var runs = new List<Run>();
        for (int i = 0; i < from.Count; i++)
        {
            int target = to?[i] ?? i;
            if (runs.Count > 0 && runs[^1] is var last && last.From + last.Length == from[i] && last.To + last.Length == target)
                runs[^1] = last with { Length = last.Length + 1 };
            else
                runs.Add(new Run(from[i], target, 1));
        }
        return [.. runs];
    }

    /// <summary>Whether all that it reads lies within a row of one region, and all that it writes within a row of another.</summary>
    public bool LiesIn(int fromWidth, int toWidth) => From >= 0 && To >= 0 && Length > 0 && From + Length <= fromWidth && To + Length <= toWidth;

    /// <summary>Copies the run's values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Copy<T>(T* from, T* to)
        where T : unmanaged => Copy(from + From, to + To, Length);

    /// <summary>Adds so many values to others, and touches nothing behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Add<T>(T* from, T* to, int count)
        where T : unmanaged, IAdditionOperators<T, T, T>
    {
        int i = 0;
        for (; i <= count - Vector512<T>.Count; i += Vector512<T>.Count)
            (Vector512.Load(to + i) + Vector512.Load(from + i)).Store(to + i);
        for (; i < count; i++)
            to[i] += from[i];
    }

    /// <summary>Copies so many values, and touches nothing behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Copy<T>(T* from, T* to, int count)
        where T : unmanaged
    {
        int i = 0;
        for (; i <= count - Vector512<T>.Count; i += Vector512<T>.Count)
            Vector512.Load(from + i).Store(to + i);
        if (i <= count - Vector256<T>.Count)
        {
            Vector256.Load(from + i).Store(to + i);
            i += Vector256<T>.Count;
        }
        for (; i < count; i++)
            to[i] = from[i];
    }
}
