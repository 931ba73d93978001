using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

public sealed class InterpolateTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task The_ends_are_the_rows_that_were_sent()
    {
        JsonElement answer = await http.AskAsync("/interpolate", """{"model":"posterior","x":[[1,2,3],[-1,0,0.5]],"context":[0.5,1],"steps":5}""");

        float[][] x = answer.Rows("x");
        Assert.Equal(5, x.Length);
        Assert.Equal([1, 2, 3], x[0], Near.Float);
        Assert.Equal([-1, 0, 0.5f], x[^1], Near.Float);
        float[] scored = (await http.AskAsync(
            "/logprob", $$"""{"model":"posterior","x":{{answer.GetProperty("x")}},"context":[[0.5,1]]}""")).Floats("log_prob");
        Assert.Equal(scored, answer.Floats("log_prob"), EqualityComparer<float>.Create((a, b) => MathF.Abs(a - b) <= 1e-3f * (1 + MathF.Abs(a)), _ => 0));
    }

    [Fact]
    public async Task Between_latents_of_one_length_every_latent_has_it()
    {
        float[][] z = (await http.AskAsync("/interpolate", """{"model":"posterior","z":[[3,0,4],[0,5,0]],"context":[0,0],"steps":11}""")).Rows("z");

        Assert.All(z, row => Assert.Equal(5, Math.Sqrt(row.Sum(value => value * value)), 1e-5));
        // Steps of one angle.
        double[] angles = [.. z.Zip(z.Skip(1), (a, b) => Math.Acos(a.Zip(b, (p, q) => (double)p * q).Sum() / 25))];
        Assert.All(angles, angle => Assert.Equal(Math.PI / 20, angle, 1e-4));

        // Nearly opposite ones of unlike lengths do not swing far out.
        float[][] wide = (await http.AskAsync("/interpolate", """{"model":"posterior","z":[[3,0,4],[-6,0.01,-8]],"context":[0,0],"steps":3}""")).Rows("z");
        Assert.Equal(7.5, Math.Sqrt(wide[1].Sum(value => value * value)), 1e-3);
    }

    [Theory]
    [InlineData("[[1,2],[3,6]]", "[2,4]")]
    [InlineData("[[1,2],[1,2]]", "[1,2]")]
    [InlineData("[[0,0],[2,2]]", "[1,1]")]
    public async Task Latents_that_span_no_angle_are_joined_by_a_line(string ends, string middle)
    {
        float[][] z = (await http.AskAsync("/interpolate", $$"""{"model":"two-moons","z":{{ends}},"steps":3}""")).Rows("z");

        Assert.Equal(JsonSerializer.Deserialize<float[]>(middle)!, z[1], Near.Float);
    }

    [Theory]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0]]}""", "missing-field", "steps")]
    [InlineData("""{"model":"two-moons","steps":3}""", "missing-field", "x")]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0]],"steps":1}""", "invalid-argument", "steps")]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0]],"steps":1001}""", "invalid-argument", "steps")]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0]],"z":[[0,1],[1,0]],"steps":3}""", "invalid-argument", "z")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"steps":3}""", "invalid-argument", "x")]
    [InlineData("""{"model":"two-moons","z":[[0,1],[1,0],[1,1]],"steps":3}""", "invalid-argument", "z")]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0,2]],"steps":3}""", "wrong-width", "x")]
    [InlineData("""{"model":"two-moons","x":[[0,1],[1,0]],"steps":3,"include":["p"]}""", "unsupported-include", "include")]
    [InlineData("""{"model":"posterior","x":[[0,1,2],[1,0,2]],"steps":3}""", "wrong-context", "context")]
    [InlineData("""{"model":"posterior","x":[[0,1,2],[1,0,2]],"context":[[0,1],[1,1]],"steps":3}""", "invalid-argument", "context")]
    public async Task A_request_that_does_not_fit_names_its_field(string body, string type, string field)
    {
        JsonElement problem = await http.RefusedAsync("/interpolate", body, HttpStatusCode.UnprocessableEntity);

        Assert.Equal((type, field), (problem.Type(), problem.GetProperty("field").GetString()));
    }
}
