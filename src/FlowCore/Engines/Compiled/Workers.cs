namespace FlowCore.Engines.Compiled;

/// <summary>
/// A few threads that share the parts of a job with the one that calls: each takes the next part until none is left. They wait
/// between jobs, and end with <see cref="Dispose"/>.
/// </summary>
internal sealed class Workers : IDisposable
{
    private readonly Thread[] threads;
    private readonly SemaphoreSlim begin = new(0), done = new(0);
    private Action<int, int>? work;
    private int parts, next;
    private Exception? failure;
    private volatile bool ending;

    /// <param name="count">The threads, the caller's among them.</param>
    public Workers(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        threads = new Thread[count - 1];
        try
        {
            for (int i = 0; i < threads.Length; i++)
            {
                int number = i + 1;
                var thread = new Thread(() => Loop(number)) { IsBackground = true, Name = $"compiled engine {number}" };
                thread.Start();
                threads[i] = thread;
            }
        }
        catch
        {
            threads = [.. threads.OfType<Thread>()];
            Dispose();
            throw;
        }
    }

    /// <summary>Computes all parts; returns when the last one is done.</summary>
    /// <param name="count">How many parts there are.</param>
    /// <param name="part">Computes a part, given by its index; the second argument numbers the thread.</param>
    /// <param name="alone">Whether the job is too small to wake other threads for.</param>
    public void Run(int count, Action<int, int> part, bool alone = false)
    {
        (work, parts, next) = (part, count, 0);
        int helpers = alone ? 0 : Math.Min(threads.Length, count - 1);
        if (helpers > 0)
            begin.Release(helpers);
        Share(0);
        for (int i = 0; i < helpers; i++)
            done.Wait();
        if (Interlocked.Exchange(ref failure, null) is { } exception)
            throw new InvalidOperationException("a part of the batch could not be computed", exception);
    }

    private void Share(int thread)
    {
        try
        {
            for (int part = Interlocked.Increment(ref next) - 1; part < parts; part = Interlocked.Increment(ref next) - 1)
                work!(part, thread);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, e, null);
        }
    }

    private void Loop(int thread)
    {
        while (true)
        {
            begin.Wait();
            if (ending)
                return;
            Share(thread);
            done.Release();
        }
    }

    public void Dispose()
    {
        ending = true;
        if (threads.Length > 0)
            begin.Release(threads.Length);
        foreach (Thread thread in threads)
            thread.Join();
        begin.Dispose();
        done.Dispose();
    }
}
