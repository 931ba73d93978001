using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FlowRows.Buffers;
using FlowService.Batching;

namespace FlowService.Caching;

/// <summary>
/// What an answer depends on: the loaded weights (a number that no other load has), the operation, and the SHA-256 of all that the
/// engine is given, as decoded: the same rows are the same key in any media type.
/// </summary>
internal readonly record struct AnswerKey(long Load, Operation Operation, UInt128 High, UInt128 Low)
{
    public static AnswerKey Of(WorkItem item)
    {
        WorkRows rows = item.Input;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, [rows.Count, rows.RowsPerContext, rows.First, rows.Offset, (long)rows.Seed, BitConverter.SingleToInt32Bits(rows.Temperature), rows.Values?.Length ?? -1]);
        Append(hash, rows.Values);
        Append(hash, rows.Context);
        Span<UInt128> digest = stackalloc UInt128[2];
        hash.GetHashAndReset(MemoryMarshal.AsBytes(digest));
        return new(item.Model.Load, item.Operation, digest[0], digest[1]);
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<long> facts) => hash.AppendData(MemoryMarshal.AsBytes(facts));

    private static void Append(IncrementalHash hash, RowBuffer<float>? values)
    {
        if (values is not null)
            hash.AppendData(MemoryMarshal.AsBytes(values.Span));
    }
}
