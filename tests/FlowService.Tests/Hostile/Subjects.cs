using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.OpenInference;
using FlowService.Tests.Support;
using Google.Protobuf;
using Parquet;
using Parquet.Schema;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.Hostile;

/// <summary>A good request in each format that is read, of some rows for the test models.</summary>
internal static class Subjects
{
    public const string ArrowType = "application/vnd.apache.arrow.stream", GrpcInfer = "/inference.GRPCInferenceService/ModelInfer";

    private const string Score = "/logprob?model=two-moons", Infer = "/v2/models/two-moons/infer", Binary = """{"parameters":{"binary_data_output":true},"inputs":[{"name":"x","shape":[3,2],"datatype":"FP32","parameters":{"binary_data_size":24}}]}""";

    private static readonly float[] Rows = [0.5f, -1, 1.25f, 0.75f, -0.25f, 2];

    public static readonly Subject[] All =
    [
        new("JSON", "/logprob", "application/json",
            """{"model":"two-moons","x":[[0.5,-1],[1.25,0.75],[-0.25,2.0e0]],"include":["z","log_det"],"timeout_ms":60000}"""u8.ToArray()),
        new("JSON samples", "/sample", "application/json", """{"model":"digits","count":2,"seed":7,"offset":5,"temperature":0.5,"context":[2,0]}"""u8.ToArray()),
        new("JSON steps", "/interpolate", "application/json", """{"model":"two-moons","x":[[0.5,-1],[1.25,0.75]],"steps":5}"""u8.ToArray()),
        new("npy", Score, Npy.MediaType, Npy.Of(Rows, 3, 2)),
        new("npy in Fortran order", Score, Npy.MediaType, Npy.Of("<f4", true, V2Calls.Bytes(Rows), 3, 2)),
        new("CSV", "/logprob?model=two-moons&keep=id", "text/csv", "id,x_1,x_0\n\"a\"\"7\",0.5,-1\nb2,1.25,0.75\n\"c,3\",-0.25,2\n"u8.ToArray()),
        new("Arrow stream", "/logprob?model=two-moons&keep=id", ArrowType, ArrowBody(file: false)),
        new("Arrow file", "/logprob?model=two-moons&keep=id", ArrowType, ArrowBody(file: true)),
        new("Arrow lists", "/logprob?model=digits", ArrowType, ArrowLists()),
        new("Parquet", "/logprob?model=two-moons&keep=id", "application/vnd.apache.parquet", ParquetTable()),
        new("OIP JSON", Infer, "application/json",
            """{"id":"a","inputs":[{"name":"x","shape":[3,2],"datatype":"FP32","data":[[0.5,-1],[1.25,0.75],[-0.25,2]]}],"outputs":[{"name":"log_prob"}]}"""u8.ToArray()),
        new("OIP binary", Infer, null, [.. Encoding.UTF8.GetBytes(Binary), .. V2Calls.Bytes(Rows)]) { HeaderLength = $"{Binary.Length}" },
        new("gRPC raw", GrpcInfer, "application/grpc", Frame(Message(isRaw: true))),
        new("gRPC typed", GrpcInfer, "application/grpc", Frame(Message(isRaw: false))),
        .. Coded("gzip"), .. Coded("deflate"), .. Coded("br"),
    ];

    public static Subject Named(string name) => System.Array.Find(All, subject => subject.Name == name)!;

    public static byte[] Compress(byte[] bytes, string coding)
    {
        using var memory = new MemoryStream();
        using (Stream stream = coding.ToLowerInvariant() switch
        {
            "gzip" or "x-gzip" => new GZipStream(memory, CompressionLevel.Fastest),
            "deflate" => new ZLibStream(memory, CompressionLevel.Fastest),
            _ => new BrotliStream(memory, CompressionLevel.Fastest),
        })
            stream.Write(bytes);
        return memory.ToArray();
    }

    /// <summary>A message as gRPC sends it: uncompressed, its length, its bytes.</summary>
    public static byte[] Frame(byte[] message)
    {
        byte[] frame = [0, 0, 0, 0, 0, .. message];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        return frame;
    }

    /// <summary>A table of two features as an Arrow stream.</summary>
    public static byte[] ArrowTable(int rows)
    {
        Schema schema = new Schema.Builder().Field(new Apache.Arrow.Field("x_0", FloatType.Default, false)).Field(new Apache.Arrow.Field("x_1", FloatType.Default, false)).Build();
        FloatArray Column(float first) => new FloatArray.Builder().AppendRange(Enumerable.Range(0, rows).Select(i => MathF.Sin(first + i))).Build();
        return Written(schema, new RecordBatch(schema, [Column(0), Column(1)], rows), file: false);
    }

    private static byte[] ParquetTable()
    {
        DataField<double> x0 = new("x_0"), x1 = new("x_1");
        DataField<string> id = new("id");
        using var bytes = new MemoryStream();
        ParquetWriter writer = ParquetWriter.CreateAsync(new ParquetSchema(id, x1, x0), bytes, new ParquetOptions { CompressionMethod = CompressionMethod.Snappy }).GetAwaiter().GetResult();
        using (ParquetRowGroupWriter group = writer.CreateRowGroup())
        {
            group.WriteAsync(id, (IReadOnlyCollection<string>)["a7", null!, "c"]).GetAwaiter().GetResult();
            group.WriteAsync<double>(x1, (double[])[0.5, 1.25, -0.25]).GetAwaiter().GetResult();
            group.WriteAsync<double>(x0, (double[])[-1, 0.75, 2]).GetAwaiter().GetResult();
        }
        writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return bytes.ToArray();
    }

    private static Subject[] Coded(string coding) =>
    [
        new($"JSON in {coding}", "/logprob", "application/json", Compress("""{"model":"two-moons","x":[[0.5,-1],[1.25,0.75]]}"""u8.ToArray(), coding)) { Coding = coding },
        new($"CSV in {coding}", Score, "text/csv", Compress("x_0,x_1\n0.5,-1\n1.25,0.75\n"u8.ToArray(), coding)) { Coding = coding },
        new($"npy in {coding}", Score, Npy.MediaType, Compress(Npy.Of(Rows, 3, 2), coding)) { Coding = coding },
        new($"Arrow in {coding}", Score, ArrowType, Compress(ArrowTable(3), coding)) { Coding = coding },
    ];

    private static byte[] Message(bool isRaw)
    {
        var tensor = new InferInputTensor { Name = "x", Datatype = "FP32", Shape = { 3, 2 } };
        var message = new ModelInferRequest { ModelName = "two-moons", Id = "a", Inputs = { tensor }, Parameters = { { "priority", new InferParameter { Int64Param = 1 } } } };
        if (isRaw)
            message.RawInputContents.Add(ByteString.CopyFrom(V2Calls.Bytes(Rows)));
        else
            (tensor.Contents = new()).Fp32Contents.AddRange(Rows);
        return message.ToByteArray();
    }

    private static byte[] ArrowBody(bool file)
    {
        Schema schema = new Schema.Builder()
            .Field(new Apache.Arrow.Field("id", StringType.Default, true)).Field(new Apache.Arrow.Field("x_1", DoubleType.Default, true)).Field(new Apache.Arrow.Field("x_0", FloatType.Default, false))
            .Metadata("key", "value").Build();
        return Written(schema, new RecordBatch(schema,
        [
            new StringArray.Builder().Append("a7").AppendNull().Append("c").Build(),
            new DoubleArray.Builder().AppendRange([0.5, 1.25, -0.25]).Build(),
            new FloatArray.Builder().AppendRange([-1, 0.75f, 2]).Build(),
        ], 3), file);
    }

    private static byte[] ArrowLists()
    {
        var lists = new FixedSizeListType(new Apache.Arrow.Field("item", FloatType.Default, false), 4);
        var contexts = new ListType(new Apache.Arrow.Field("item", Int32Type.Default, false));
        Schema schema = new Schema.Builder().Field(new Apache.Arrow.Field("x", lists, false)).Field(new Apache.Arrow.Field("context", contexts, false)).Build();
        return Written(schema, new RecordBatch(schema,
        [
            new FixedSizeListArray(lists, 2, new FloatArray.Builder().AppendRange([1, 2, 3, 4, 5, 6, 7, 8]).Build(), ArrowBuffer.Empty, 0),
            new ListArray(contexts, 2, new ArrowBuffer.Builder<int>().AppendRange([0, 1, 2]).Build(), new Int32Array.Builder().AppendRange([2, 0]).Build(), ArrowBuffer.Empty, 0),
        ], 2), file: false);
    }

    private static byte[] Written(Schema schema, RecordBatch batch, bool file)
    {
        using var bytes = new MemoryStream();
        using (ArrowStreamWriter writer = file ? new ArrowFileWriter(bytes, schema, leaveOpen: true) : new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(batch);
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }
}
