using System.Numerics;
using FlowRows.Answers;

namespace FlowCli.Rows;

/// <summary>Answers in turn, of which one is written while the next is computed.</summary>
internal static class Behind
{
    /// <summary>Does something with each answer, and disposes of it.</summary>
    public static async Task ForEachAsync<T>(IAsyncEnumerable<Answer<T>> answers, Func<Answer<T>, ValueTask> take)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Task taking = Task.CompletedTask;
        try
        {
            await foreach (Answer<T> answer in answers)
            {
                Task before = taking;
                taking = Task.Run(() => TakeAsync(before, answer, take));
                await before;
            }
            await taking;
        }
        finally
        {
            await taking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task TakeAsync<T>(Task before, Answer<T> answer, Func<Answer<T>, ValueTask> take)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using (answer)
        {
            await before;
            await take(answer);
        }
    }
}
