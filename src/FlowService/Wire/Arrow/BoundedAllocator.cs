using System.Buffers;
using Apache.Arrow.Memory;
using FlowService.Errors;

namespace FlowService.Wire.Arrow;

/// <summary>Pooled memory for record batches, none of which may claim more than a body may have: a few bytes must not allocate gigabytes.</summary>
internal sealed class BoundedAllocator(long most) : MemoryAllocator
{
    protected override IMemoryOwner<byte> AllocateInternal(int length, out int bytesAllocated)
    {
        if (length > most)
            throw new RequestException(ProblemKind.BodyTooLarge,
                $"a record batch has {length} bytes, more than {most} (Limits:BodyBytes); send smaller ones, by max_chunksize say");
        bytesAllocated = length;
        return new Pooled(length);
    }

    private sealed class Pooled(int length) : IMemoryOwner<byte>
    {
        private byte[]? array = ArrayPool<byte>.Shared.Rent(length);

        public Memory<byte> Memory => array.AsMemory(0, length);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref array, null) is { } rented)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
