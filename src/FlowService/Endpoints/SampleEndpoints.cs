using FlowRows.Answers;
using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>The rows drawn, with their log densities. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Seed">The seed that was used: send it to get the same rows again.</param>
/// <param name="Samples">The rows, in the order context, sample.</param>
/// <param name="LogProb">log p(x): the model's density of each row.</param>
/// <param name="LogQ">log q(x): the density that the row was really drawn from; differs where the temperature is not 1.</param>
/// <param name="Z">With include z: the latents that the rows were made from.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record SampleAnswer(
    string Model, int Version, ulong Seed, float?[][] Samples, float?[] LogProb, float?[] LogQ, float?[][]? Z, int[]? NonFinite);

internal static class SampleEndpoints
{
    private static readonly ServedOperation Served = new(Operation.Sample, RequestFields.Sample, RowOperation.Sample);

    public static void MapSample(this RouteGroupBuilder group) => group.MapPost("/sample", Sample)
        .WithOperation<SampleAnswer>(Served, RequestFields.Count)
        .WithPicture()
        .WithSound(answers: true)
        .WithTags("Sampling")
        .WithSummary("Rows drawn from the model")
        .WithDescription("""
            Draws `count` rows. The same `seed` gives the same rows, whatever else the service is doing, and 10 rows are the beginning
            of 1000; `offset` goes on where another request ended, so that parts agree with the whole. `temperature` scales the noise of this request alone; `log_prob` is the model's density, `log_q` the one that was
            really drawn from. A conditional model draws `count` rows for each row of `context`, in that order. With `Accept: image/png`
            an image model answers with a picture: one line for each context, else about a square. A model of sound speaks: mels of any number
            of frames as a NumPy array (mels, frames) with `Accept: audio/wav`, or a WAV file, of which the mels are taken, become a WAV file of
            16-bit PCM that is sent while it is made; `seed` and `temperature` stand in the query.
            """)
        .WithExample("""{ "model": "digits", "count": 3, "seed": 42, "temperature": 0.8, "context": [0, 1, 2] }""", null, "digits, a picture where image/png is chosen below")
        .WithExample("""{ "model": "two-moons", "count": 2, "seed": 42, "temperature": 1.0 }""",
            """
            {
              "model": "two-moons", "version": 1, "seed": 42, "samples": [[1.8189299, -0.221668], [0.68246156, 0.8806331]],
              "log_prob": [-0.9146334, -1.579919], "log_q": [-0.9146334, -1.579919]
            }
            """, "two moons");

    private static Task Sample(HttpContext http, OperationServices services) =>
        SoundRun.IsSpoken(http.Request) ? SoundRun.SpeakAsync(services, http, Served) : RequestRun.AnswerAsync(services, http, Served);
}
