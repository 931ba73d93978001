using System.Buffers.Binary;
using System.Net;
using System.Text;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>What hostile requests leave behind in a process of its own: no memory, no files, no threads.</summary>
public sealed class FootprintTests : IAsyncLifetime
{
    private const string Score = "/logprob?model=two-moons";

    // A first garbage collection of the whole heap comes when it likes: what a damaged length asked for was some hundred megabytes each time.
    private const long MostGrowth = 200_000_000;

    private const int MostHandles = 20, MostThreads = 20, ManyColumns = 100_000;

    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceProcess process = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        process = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort());
        http = process.Http();
        http.Timeout = TimeSpan.FromMinutes(1);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await process.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task A_flipped_bit_of_a_vectors_length_allocates_nothing()
    {
        byte[] good = Subjects.ArrowTable(20_000), batches = good[(8 + BinaryPrimitives.ReadInt32LittleEndian(good.AsSpan(4)))..];
        byte[] Body(int children) => [.. HandmadeSchema.OfChildren(children, "x_0", "x_1"), .. batches];
        Assert.Equal(await http.RowsAsync(Score, good, Subjects.ArrowType), await http.RowsAsync(Score, Body(0), Subjects.ArrowType));

        await BoundedAsync(async () =>
        {
            for (int i = 0; i < 15; i++)
                await http.RefusedAsync(Score, Body(0x1000_0000), Subjects.ArrowType, HttpStatusCode.BadRequest);
        });

        Assert.Equal(HttpStatusCode.OK, await ServiceProcess.ReadyAsync(http));
    }

    [Fact]
    public async Task Fields_that_share_one_long_name_are_not_copied_each()
    {
        byte[] body = HandmadeSchema.OfOneName(fields: 4000, nameBytes: 200_000);

        await BoundedAsync(async () => await http.RefusedAsync(Score, body, Subjects.ArrowType, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Damage_of_all_kinds_leaves_nothing_behind()
    {
        using var client = new HostileClient(http.BaseAddress!, http.BaseAddress!);
        Subject[] subjects = [.. Subjects.All.Where(subject => !subject.IsGrpc)];
        foreach (Subject subject in subjects)
            await client.GoodAsync(subject);

        await BoundedAsync(async () =>
        {
            foreach (Subject subject in subjects)
                await client.SendAllAsync(subject, Mutants.Damaged(subject.Body, seed: 99, 60));
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("&keep=*")]
    [InlineData("&ignore_extra=true")]
    public async Task A_header_of_very_many_columns_is_refused_at_once(string arguments)
    {
        string names = string.Join(',', Enumerable.Range(0, ManyColumns).Select(i => $"column{i}"));

        await http.RefusedAsync(Score + arguments, Encoding.ASCII.GetBytes(names + "\n1,2\n"), "text/csv", HttpStatusCode.UnprocessableEntity);
        await http.RefusedAsync(Score + arguments, new byte[15 << 20].Select(_ => (byte)',').ToArray(), "text/csv", HttpStatusCode.BadRequest);
    }

    private async Task BoundedAsync(Func<Task> work)
    {
        (long memory, int handles, int threads) = (process.WorkingSet, process.Handles, process.Threads);
        await work();
        await Eventually.TrueAsync(() => process.Handles <= handles + MostHandles && process.Threads <= threads + MostThreads, "handles and threads are back");
        long growth = process.WorkingSet - memory;
        TestContext.Current.TestOutputHelper?.WriteLine($"{memory / 1e6:f0} MB before, {growth / 1e6:f0} MB more after");
        Assert.True(growth < MostGrowth, $"{memory} bytes before, {growth} more after");
    }
}
