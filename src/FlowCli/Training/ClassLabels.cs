using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>Classes as integers 0, 1, ..., of which each occurs: what a request will send.</summary>
internal static class ClassLabels
{
    private const int Most = 10_000;

    /// <summary>The number of classes.</summary>
    /// <param name="labels">One column.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="place">Where a row's label stands in it.</param>
    public static int Count(Table labels, string path, Func<int, string> place)
    {
        var seen = new SortedSet<int>();
        for (int row = 0; row < labels.Rows; row++)
        {
            double label = labels.Values[row];
            if (!(label >= 0 && label < Most && label == Math.Floor(label)))
                throw new FlowException($"{path}: {place(row)}: {label} is not a class; classes are integers from 0, below {Most}");
            seen.Add((int)label);
        }
        int count = seen.Count == 0 ? 0 : seen.Max + 1;
        if (seen.Count < count)
            throw new FlowException($"{path}: class {Enumerable.Range(0, count).First(number => !seen.Contains(number))} has no row; number the classes 0..{seen.Count - 1} without gaps");
        return count;
    }
}
