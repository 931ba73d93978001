namespace FlowRows;

/// <summary>A body that is read as a stream, and refused once it is larger than allowed: counted as it is read, decompressed.</summary>
internal sealed class BoundedBody(Stream body, long most) : AsyncReadStream
{
    private long read;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await body.ReadAsync(buffer, cancellationToken);
        read += count;
        return read <= most ? count : throw TooLarge(most);
    }

    public static RowFault TooLarge(long most) => new(RowFaultKind.TooLarge,
        $"the body is larger than {most} bytes; send it in several requests, or raise Limits:StreamBytes");
}
