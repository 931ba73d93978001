using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

public sealed class OperationTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task LogProb_gives_one_log_density_for_each_row_and_names_the_model()
    {
        JsonElement answer = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1],[0.5,-0.25],[3,3]]}""");

        Assert.Equal("two-moons", answer.GetProperty("model").GetString());
        Assert.Equal(1, answer.GetProperty("version").GetInt32());
        Assert.Equal(3, answer.Floats("log_prob").Length);
        Assert.False(answer.TryGetProperty("non_finite", out _));
        Assert.False(answer.TryGetProperty("z", out _));
    }

    [Fact]
    public async Task LogProb_includes_what_is_asked_for()
    {
        JsonElement answer = await http.AskAsync(
            "/logprob", """{"x":[[0,1],[0.5,-0.25]],"include":["z","log_det","latent_norm2","bits_per_dim"],"model":"two-moons"}""");

        float[][] z = answer.Rows("z");
        float[] norms = answer.Floats("latent_norm2"), logDet = answer.Floats("log_det"), logProb = answer.Floats("log_prob");
        float[] bits = answer.Floats("bits_per_dim");
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(z[i][0] * z[i][0] + z[i][1] * z[i][1], norms[i], 1e-5f);
            Assert.Equal(-norms[i] / 2 - MathF.Log(2 * MathF.PI) + logDet[i], logProb[i], 1e-4f);
            Assert.Equal(-logProb[i] / (2 * MathF.Log(2)), bits[i], 1e-4f);
        }
    }

    [Fact]
    public async Task Decode_takes_encoded_rows_back()
    {
        JsonElement encoded = await http.AskAsync("/encode", """{"model":"two-moons","x":[[0.1,1.5],[-2,0.25]]}""");
        JsonElement decoded = await http.AskAsync("/decode", $$"""{"model":"two-moons","z":{{encoded.GetProperty("z")}}}""");

        Assert.Equal([0.1f, 1.5f], decoded.Rows("x")[0], Near.Float);
        Assert.Equal([-2f, 0.25f], decoded.Rows("x")[1], Near.Float);
        Assert.Equal(encoded.Floats("log_det")[0], -decoded.Floats("log_det")[0], 1e-4f);
    }

    [Fact]
    public async Task Sample_returns_rows_whose_density_logprob_confirms()
    {
        JsonElement sampled = await http.AskAsync("/sample", """{"model":"two-moons","count":20,"seed":7,"include":["z"]}""");
        JsonElement scored = await http.AskAsync(
            "/logprob", $$"""{"model":"two-moons","x":{{sampled.GetProperty("samples")}},"include":["z"]}""");

        Assert.Equal(7, sampled.GetProperty("seed").GetInt32());
        Assert.Equal(scored.Floats("log_prob"), sampled.Floats("log_prob"), Near.Float);
        Assert.Equal(sampled.Floats("log_prob"), sampled.Floats("log_q"));
        Assert.Equal(scored.Rows("z")[3], sampled.Rows("z")[3], Near.Float);
    }

    [Fact]
    public async Task Temperature_scales_the_latents_and_log_q_follows()
    {
        JsonElement plain = await http.AskAsync("/sample", """{"model":"two-moons","count":5,"seed":7,"include":["z"]}""");
        JsonElement cool = await http.AskAsync("/sample", """{"model":"two-moons","count":5,"seed":7,"temperature":0.5,"include":["z"]}""");

        for (int i = 0; i < 5; i++)
        {
            float[] z = plain.Rows("z")[i], scaled = cool.Rows("z")[i];
            Assert.Equal(z.Select(value => value / 2), scaled, Near.Float);
            // log q = log N(z; 0, T^2) - log|det dx/dz| and log p = log N(z; 0, 1) - log|det dx/dz|.
            float drawn = -(z[0] * z[0] + z[1] * z[1]) / 2 - 2 * MathF.Log(0.5f);
            float dense = -(scaled[0] * scaled[0] + scaled[1] * scaled[1]) / 2;
            Assert.Equal(drawn - dense, cool.Floats("log_q")[i] - cool.Floats("log_prob")[i], 1e-4f);
        }
    }

    [Fact]
    public async Task A_log_density_that_overflows_is_null_and_its_row_is_listed()
    {
        JsonElement answer = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1],[1e30,-1e30],[1,1]]}""");

        Assert.Equal([JsonValueKind.Number, JsonValueKind.Null, JsonValueKind.Number], answer.GetProperty("log_prob").EnumerateArray().Select(v => v.ValueKind));
        Assert.Equal("[1]", answer.GetProperty("non_finite").GetRawText());
    }

    [Fact]
    public async Task Floats_are_written_so_that_they_can_be_read_back_to_the_bit()
    {
        JsonElement first = await http.AskAsync("/sample", """{"model":"wide","count":50,"seed":3}""");
        JsonElement encoded = await http.AskAsync("/encode", $$"""{"model":"wide","x":{{first.GetProperty("samples")}}}""");
        JsonElement again = await http.AskAsync("/encode", $$"""{"model":"wide","x":{{JsonSerializer.Serialize(first.Rows("samples"))}}}""");

        Assert.Equal(encoded.Rows("z"), again.Rows("z"));
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Fields_may_come_in_any_order()
    {
        JsonElement a = await http.AskAsync("/logprob", """{"model":"two-moons","version":1,"x":[[0,1]]}""");
        JsonElement b = await http.AskAsync("/logprob", """{"include":[],"x":[[0,1]],"version":1,"timeout_ms":9000,"context":null,"model":"two-moons"}""");

        Assert.Equal(a.GetRawText(), b.GetRawText());
    }
}
