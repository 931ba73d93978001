using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Telemetry;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FlowService.Caching;

/// <summary>Answers that were computed before, for the models that are asked the same again and again. What it gives is what was computed, bit for bit.</summary>
internal sealed class AnswerCache(IOptions<CacheOptions> options, FlowMetrics metrics) : IDisposable
{
    // What an entry takes beside its numbers: the key, the entry, the array.
    private const int EntryBytes = 256;

    private readonly MemoryCache answers = new(new MemoryCacheOptions { SizeLimit = options.Value.Bytes });

    /// <summary>Puts in an item's place what was computed for the same before; false where that is not known.</summary>
    public bool TryAnswer(AnswerKey key, WorkItem item)
    {
        bool isHit = answers.TryGetValue(key, out float[]? known);
        metrics.Cached(item, isHit);
        int taken = 0;
        foreach (RowBuffer<float> part in item.Results.All)
            if (isHit)
            {
                known.AsSpan(taken, part.Length).CopyTo(part.Span);
                taken += part.Length;
            }
        return isHit;
    }

    /// <summary>Keeps what was computed, until its place is needed or the model goes.</summary>
    public void Keep(AnswerKey key, WorkItem item)
    {
        long values = item.Results.All.Sum(part => (long)part.Length), bytes = values * sizeof(float) + EntryBytes;
        if (bytes > options.Value.Bytes)
            return;
        var copy = new float[values];
        int taken = 0;
        foreach (RowBuffer<float> part in item.Results.All)
        {
            part.Span.CopyTo(copy.AsSpan(taken));
            taken += part.Length;
        }
        answers.Set(key, copy, new MemoryCacheEntryOptions { Size = bytes, ExpirationTokens = { new CancellationChangeToken(item.Model.Retired) } });
    }

    public void Dispose() => answers.Dispose();
}
