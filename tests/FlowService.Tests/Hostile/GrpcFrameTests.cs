using System.Buffers.Binary;
using FlowService.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;

namespace FlowService.Tests.Hostile;

/// <summary>What is no message, no method or no service of gRPC, and what its client is told.</summary>
public sealed class GrpcFrameTests(SharedService service) : IDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    private readonly GrpcChannel channel = GrpcChannel.ForAddress(service.Host.GrpcAddress);
    private readonly HostileClient client = new(service.Host.Address, service.Host.GrpcAddress);

    public void Dispose()
    {
        channel.Dispose();
        client.Dispose();
    }

    [Theory]
    [InlineData("/inference.GRPCInferenceService/ModelInfer")]
    [InlineData("/inference.GRPCInferenceService/ServerLive")]
    [InlineData("/inference.GRPCInferenceService/RepositoryIndex")]
    [InlineData("/grpc.health.v1.Health/Check")]
    public async Task A_malformed_message_is_an_invalid_argument_in_words(string method)
    {
        byte[][] messages = [[0xFF], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x0A, 0x05, 0x61], [0x0B], [0x07], [0x00]];
        foreach (byte[] message in messages)
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(method, message));
            Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
            Assert.Contains("cannot be read", refused.Status.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/inference.GRPCInferenceService/Unknown")]
    [InlineData("/inference.Unknown/ModelInfer")]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")]
    public async Task What_is_not_served_is_unimplemented(string method)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(method, []));

        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    [Fact]
    public async Task A_malformed_message_of_a_stream_ends_it_as_an_invalid_argument()
    {
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "inference.GRPCInferenceService", "ModelStreamInfer", Bytes, Bytes);
        using AsyncDuplexStreamingCall<byte[], byte[]> call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, default);
        await call.RequestStream.WriteAsync([0xFF]);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(100_000_000)]
    public async Task A_frame_of_another_length_is_refused(int length)
    {
        Subject good = Subjects.Named("gRPC raw");
        byte[] frame = (byte[])good.Body.Clone();
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), length);

        Verdict verdict = await client.SendAsync(good, frame);

        Assert.True(verdict.IsRefused, $"{verdict}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(255)]
    public async Task A_frame_that_says_it_is_compressed_is_refused(byte flag)
    {
        Subject good = Subjects.Named("gRPC raw");

        foreach (string path in (string[])[good.Path, "/inference.GRPCInferenceService/ModelStreamInfer"])
        {
            Verdict verdict = await client.SendAsync(good with { Path = path }, [flag, .. good.Body[1..]]);
            Assert.True(verdict.IsRefused, $"{path}: {verdict}");
        }
    }

    private async Task<byte[]> CallAsync(string path, byte[] message)
    {
        string[] parts = path.Split('/');
        return await channel.CreateCallInvoker().AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, parts[1], parts[2], Bytes, Bytes), null, default, message);
    }
}
