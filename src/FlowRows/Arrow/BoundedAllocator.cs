using System.Buffers;
using Apache.Arrow.Memory;

namespace FlowRows.Arrow;

/// <summary>Memory for record batches, none of which may claim more than a body may have: pooled where it is small, for a large array would stay with the pool.</summary>
internal sealed class BoundedAllocator(long most) : MemoryAllocator
{
    private const int MostPooled = 1 << 20;

    protected override IMemoryOwner<byte> AllocateInternal(int length, out int bytesAllocated)
    {
        if (length > most)
            throw TooLarge(length, most);
        bytesAllocated = length;
        return new Owned(length);
    }

    /// <summary>The refusal of a record batch that is, or claims to be, larger than a body may be.</summary>
    public static RowFault TooLarge(long bytes, long most) => new(RowFaultKind.TooLarge,
        $"a record batch has {bytes} bytes, more than {most} (Limits:BodyBytes); send smaller ones, by max_chunksize say");

    private sealed class Owned(int length) : IMemoryOwner<byte>
    {
        private byte[]? array = length <= MostPooled ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);

        public Memory<byte> Memory => array.AsMemory(0, length);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref array, null) is { } rented && length <= MostPooled)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
