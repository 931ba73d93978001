using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;
using FlowSound;

namespace FlowService.Tests.Formats;

/// <summary>A sound in, a sound out: the demo model that speaks.</summary>
public sealed class SpeakingTests(DemoService service) : IClassFixture<DemoService>
{
    private static readonly string Models = Path.Combine(DemoModels.All, "speech");

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task What_is_spoken_is_what_the_vocoder_makes_at_once()
    {
        byte[] wav = await File.ReadAllBytesAsync(Path.Combine(Models, "held-out.wav"), TestContext.Current.CancellationToken);
        using var vocoder = new Vocoder(Checkpoint.Read(Path.Combine(Models, "1")));
        float[] mels = vocoder.Mels.Of(Sound.Read(wav));
        byte[] expected = Sound.Pcm16([.. vocoder.Speak(mels, seed: 5, temperature: 0.8, wholly: true).SelectMany(block => block)]);

        using HttpResponseMessage answer = await AskAsync("/sample?model=speech&seed=5&temperature=0.8", wav, "audio/wav", "audio/wav");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("audio/wav", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(("speech", "1", "5"), (answer.Headers.GetValues("flow-model").Single(), answer.Headers.GetValues("flow-version").Single(), answer.Headers.GetValues("flow-seed").Single()));
        byte[] spoken = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.Equal(expected, spoken[44..]);
        Assert.Equal(expected.Length / 2, Sound.Read(spoken).Samples.Length);

        int frames = mels.Length / vocoder.Sound.Mels;
        using HttpResponseMessage fromMels = await AskAsync("/sample?model=speech&seed=5&temperature=0.8", Npy.Of(mels, vocoder.Sound.Mels, frames), "application/x-npy", "audio/wav");
        Assert.Equal(spoken, await fromMels.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_density_of_a_sound_is_higher_than_that_of_noise_as_loud()
    {
        byte[] wav = await File.ReadAllBytesAsync(Path.Combine(Models, "held-out.wav"), TestContext.Current.CancellationToken);
        var sound = Sound.Read(wav);
        JsonElement speech = await ScoreAsync(wav);
        // The same samples in another order.
        float[] shuffled = [.. sound.Samples.Select((sample, i) => (sample, Key: (uint)i * 2654435761u)).OrderBy(each => each.Key).Select(each => each.sample)];
        JsonElement noise = await ScoreAsync([.. Sound.Header(shuffled.Length, 8000), .. Sound.Pcm16(shuffled)]);
        Assert.Equal(sound.Samples.Length / 64 * 64, speech.GetProperty("samples").GetInt32());
        Assert.Equal(speech.GetProperty("log_prob").GetDouble() / speech.GetProperty("samples").GetInt32(), speech.GetProperty("log_prob_per_sample").GetDouble(), 1e-9);
        Assert.True(speech.GetProperty("log_prob_per_sample").GetDouble() > noise.GetProperty("log_prob_per_sample").GetDouble() + 1);
    }

    [Theory]
    [InlineData("/sample?model=speech", "", 400, "is empty")]
    [InlineData("/sample?model=speech", "stereo", 400, "2 channels")]
    [InlineData("/sample?model=speech", "rate", 400, "-r 8000")]
    [InlineData("/sample?model=speech", "cut", 400, "cut off")]
    [InlineData("/sample?model=speech", "huge", 400, "cut off")]
    [InlineData("/sample?model=speech", "text", 400, "not a WAV file")]
    [InlineData("/sample?model=speech&count=2", "good", 422, "count is 2")]
    [InlineData("/sample?model=speech&temperature=-1", "good", 422, "temperature")]
    [InlineData("/sample?model=two-moons", "good", 415, "not a flow over sound")]
    [InlineData("/sample?model=nobody", "good", 404, "nobody")]
    [InlineData("/logprob?model=speech", "stereo", 400, "2 channels")]
    [InlineData("/logprob?model=two-moons", "good", 415, "not a flow over sound")]
    public async Task A_sound_that_cannot_be_taken_is_refused_with_the_reason(string address, string kind, int status, string message)
    {
        byte[] good = [.. Sound.Header(640, kind == "rate" ? 16000 : 8000), .. new byte[1280]];
        byte[] body = kind switch { "" => [], "text" => "not a sound at all, but a text"u8.ToArray(), "cut" => good[..200], _ => good };
        if (kind == "stereo")
            body[22] = 2;
        if (kind == "huge")
            body.AsSpan(40, 4).Fill(0x7f);
        if (kind == "huge")
            body.AsSpan(4, 4).Fill(0x7f);
        using HttpResponseMessage answer = await AskAsync(address, body, "audio/wav", "*/*");
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(message, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mels_that_cannot_be_spoken_are_refused_with_the_reason()
    {
        async Task Refused(byte[] body, string type, string accept, int status, string message)
        {
            using HttpResponseMessage answer = await AskAsync("/sample?model=speech", body, type, accept);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Contains(message, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        const string npy = "application/x-npy", wav = "audio/wav";
        await Refused(Npy.Of(new float[400], 10, 40), npy, wav, 400, "transpose it");
        await Refused(Npy.Of(new float[39], 39, 1), npy, wav, 400, "(40, frames)");
        await Refused(Npy.Of(new float[40], 40, 1, 1), npy, wav, 400, "two dimensions");
        await Refused(Npy.Of([.. Enumerable.Repeat(float.NaN, 40)], 40, 1), npy, wav, 400, "mel 1 of frame 1");
        await Refused([1, 2, 3], npy, wav, 400, "not a .npy file");
        await Refused("{}"u8.ToArray(), "application/json", wav, 415, "application/x-npy");
        await Refused([.. Sound.Header(64, 8000), .. new byte[128]], wav, "image/png", 406, "audio/wav");
    }

    private async Task<JsonElement> ScoreAsync(byte[] wav)
    {
        using HttpResponseMessage answer = await AskAsync("/logprob?model=speech", wav, "audio/wav", "*/*");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
    }

    private async Task<HttpResponseMessage> AskAsync(string address, byte[] body, string type, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
