using System.Net;
using System.Text;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>Compressed bodies that are not whole, or not what they say: always refused, and never answered in part.</summary>
public sealed class CodingTests(SharedService service) : IDisposable
{
    private const string Infer = "/v2/models/two-moons/infer";

    private static readonly byte[] InferBody = """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0.5,-1]}]}"""u8.ToArray();

    private readonly HostileClient client = new(service.Host.Address, service.Host.GrpcAddress);

    public static TheoryData<string, string> Coded => [.. from coding in (string[])["gzip", "deflate", "br"] from name in (string[])["JSON", "CSV", "npy", "Arrow", "OIP"] select (name, coding)];

    public void Dispose() => client.Dispose();

    [Theory]
    [MemberData(nameof(Coded))]
    public async Task Every_cut_is_refused_be_it_only_of_the_checksum(string name, string coding)
    {
        Subject subject = Of(name, coding);
        byte[] good = await client.GoodAsync(subject);

        // No bytes at all may be a body that is empty, and is refused as such.
        int refused = await client.SendAllAsync(subject, Mutants.Cuts(subject.Body), allRefused: true);

        Assert.Equal(subject.Body.Length, refused);
        Assert.Equal(good, await client.GoodAsync(subject));
        await service.Host.BuffersAreBackAsync();
    }

    [Theory]
    [MemberData(nameof(Coded))]
    public async Task Bytes_behind_the_end_are_refused_unless_they_are_a_member_of_gzip(string name, string coding)
    {
        Subject subject = Of(name, coding);
        byte[] good = await client.GoodAsync(subject), member = Convert.FromHexString("1F8B080000000000000303000000000000000000"); // of nothing
        byte[][] behind = [[0], [0x1F], [0x1F, 0x8B], "1,2\n"u8.ToArray(), new byte[512], new byte[1 << 20], [.. member, 0], Subjects.Compress(InferBody, "br")];
        if (coding != "gzip")
            behind = [.. behind, member, subject.Body];

        await client.SendAllAsync(subject, behind.Select(bytes => (byte[])[.. subject.Body, .. bytes]), allRefused: true);

        if (coding == "gzip")
            Assert.Equal(good, await client.GoodAsync(subject with { Body = [.. member, .. subject.Body, .. member, .. member] }));
    }

    [Theory]
    [MemberData(nameof(Coded))]
    public async Task Garbage_and_other_codings_are_refused(string name, string coding)
    {
        Subject subject = Of(name, coding);
        byte[] noise = new byte[500];
        new Random(7).NextBytes(noise);
        byte[][] others = [.. ((string[])["gzip", "deflate", "br"]).Where(other => other != coding).Select(other => Subjects.Compress(InferBody, other))];

        await client.SendAllAsync(subject, [noise, InferBody, Encoding.ASCII.GetBytes("1,2\n"), .. others], allRefused: true);
        Verdict unknown = await client.SendAsync(subject with { Coding = "zstd" }, subject.Body);

        Assert.True(unknown.IsRefused, $"{unknown}");
        Assert.StartsWith($"{(int)HttpStatusCode.UnsupportedMediaType} ", unknown.Words, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_bomb_is_refused(string coding)
    {
        byte[] blanks = new byte[70 << 20];
        blanks.AsSpan().Fill((byte)' ');
        byte[] bomb = Subjects.Compress(blanks, coding);

        foreach (string name in (string[])["JSON", "CSV", "npy", "Arrow", "OIP"])
        {
            Verdict verdict = await client.SendAsync(Of(name, coding), bomb);
            Assert.True(verdict.IsRefused, $"{name}: {verdict}");
        }
    }

    private static Subject Of(string name, string coding) => name == "OIP"
        ? new($"OIP in {coding}", Infer, "application/json", Subjects.Compress(InferBody, coding)) { Coding = coding }
        : Subjects.Named($"{name} in {coding}");
}
