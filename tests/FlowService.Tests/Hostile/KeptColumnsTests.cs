using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>What passes through beside others: no request sees a byte of another one, nor of a later part of its own.</summary>
public sealed class KeptColumnsTests(SharedService service)
{
    private const int Clients = 8, Batches = 300, RowsOfBatch = 3;

    [Fact]
    public Task Columns_of_many_small_batches_come_back_as_they_were() => Parallel.ForAsync(0, Clients, async (client, _) =>
    {
        string[] ids = [.. Enumerable.Range(0, Batches * RowsOfBatch).Select(i => $"{client}-{new string((char)('a' + i % 26), i % 7)}-{i}")];

        byte[] answer = await service.Http.RowsAsync("/logprob?model=two-moons&keep=id", Body(ids), Subjects.ArrowType);

        Assert.Equal(ids, await IdsAsync(answer));
    });

    [Theory]
    [InlineData("id")]
    [InlineData("*")]
    public async Task A_short_body_of_many_small_batches_is_refused_wherever_it_is_cut(string keep)
    {
        byte[] body = Body([.. Enumerable.Range(0, Batches * RowsOfBatch).Select(i => $"{i}")]);
        using var client = new HostileClient(service.Host.Address, service.Host.GrpcAddress);
        var subject = new Subject("short", $"/logprob?model=two-moons&keep={keep}", Subjects.ArrowType, body);

        await client.SendAllAsync(subject, Enumerable.Range(1, 100).Select(i => body[..^(i * body.Length / 101)]), allRefused: true);
    }

    private static byte[] Body(string[] ids)
    {
        Schema schema = new Schema.Builder()
            .Field(new Field("id", StringType.Default, false)).Field(new Field("x_0", FloatType.Default, false)).Field(new Field("x_1", FloatType.Default, false)).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            foreach (string[] some in ids.Chunk(RowsOfBatch))
                writer.WriteRecordBatch(new RecordBatch(schema,
                [
                    new StringArray.Builder().AppendRange(some).Build(),
                    new FloatArray.Builder().AppendRange(some.Select(id => (float)id.Length)).Build(),
                    new FloatArray.Builder().AppendRange(some.Select(_ => 0.5f)).Build(),
                ], some.Length));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    private static async Task<List<string>> IdsAsync(byte[] answer)
    {
        var ids = new List<string>();
        using var reader = new ArrowStreamReader(answer);
        while (await reader.ReadNextRecordBatchAsync() is { } batch)
            for (int row = 0; row < batch.Length; row++)
                ids.Add(((StringArray)batch.Column("id")).GetString(row));
        return ids;
    }
}
