using System.Globalization;
using FlowRows.Answers;
using FlowRows.Npy;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Requests;
using FlowService.Telemetry;
using FlowSound;

namespace FlowService.Endpoints;

/// <summary>The log density of a sound.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="LogProb">log p(sound given its mels) in nats, full scale being 1.</param>
/// <param name="Samples">The samples that it is of: whole frames.</param>
/// <param name="LogProbPerSample">The same, a sample.</param>
internal sealed record SoundAnswer(string Model, int Version, double? LogProb, int Samples, double? LogProbPerSample);

/// <summary>Requests whose body is a sound, or whose answer is one. The answer is sent block by block, while it is made.</summary>
internal static class SoundRun
{
    private const long MostDrawnSeed = 1L << 53;

    /// <summary>Whether a request to sample is one to speak.</summary>
    public static bool IsSpoken(HttpRequest request) => MediaTypes.IsWav(request) || MediaTypes.WantsWav(request);

    public static async Task SpeakAsync(OperationServices services, HttpContext http, ServedOperation operation)
    {
        if (!MediaTypes.IsWav(http.Request) && !MediaTypes.IsNpy(http.Request))
            throw new RequestException(ProblemKind.UnsupportedMediaType,
                $"an answer of {MediaTypes.Wav} is made of a body of {MediaTypes.Npy}, mels of the shape (mels, frames), or of {MediaTypes.Wav}, whose mels are taken");
        MediaTypes.Choose(http.Request, [MediaTypes.Wav]);
        (RowRequest request, byte[] body) = await services.Reader.ReadWholeAsync(http, operation.Fields, read => services.WithoutRoom(http, read));
        using RowRequest held = request;
        if (request.Count is { } count and not 1)
            throw new RequestException(ProblemKind.InvalidArgument, $"a sound is spoken once; count is {count}: send another seed to hear it again") { Field = RequestFields.Count.Name };
        double temperature = Temperature.Checked(request.Temperature ?? 1);
        ulong seed = request.Seed ?? (ulong)Random.Shared.NextInt64(MostDrawnSeed);
        (ServedModel model, Voice voice) = await VoiceAsync(services, http, request);
        float[] mels = MelsOf(http, voice, body, services.Limits.Value);
        int samples = voice.Vocoder.SamplesOf(mels.Length / voice.Vocoder.Sound.Mels);
        var work = new SoundWork(services, http, request, model, Operation.Sample);
        using IEnumerator<Func<float[]>> blocks = voice.Vocoder.Blocks(mels, seed, temperature).GetEnumerator();
        blocks.MoveNext();
        float[] block = await work.RunAsync(blocks.Current); // the first one decides the status
        HttpResponse response = http.Response;
        response.ContentType = MediaTypes.Wav;
        response.ContentLength = Sound.Header(samples, voice.Vocoder.Sound.Rate).Length + 2L * samples;
        response.Headers["flow-model"] = model.Name;
        response.Headers["flow-version"] = model.Version.ToString(CultureInfo.InvariantCulture);
        response.Headers["flow-seed"] = seed.ToString(CultureInfo.InvariantCulture);
        await response.Body.WriteAsync(Sound.Header(samples, voice.Vocoder.Sound.Rate), http.RequestAborted);
        try
        {
            while (true)
            {
                await response.Body.WriteAsync(Sound.Pcm16(block), http.RequestAborted);
                await response.Body.FlushAsync(http.RequestAborted);
                if (!blocks.MoveNext())
                    return;
                block = await work.RunAsync(blocks.Current);
            }
        }
        catch (Exception e) when (ProblemMapping.ToRefusal(e) is { } refusal)
        {
            http.Features.Get<RequestFacts>()?.Reason = refusal.Kind.Word;
            services.Logger.AnswerBroken(http.Request.Path, work.Blocks, refusal.Message);
            await BrokenConnection.CloseAsync(http);
        }
    }

    public static async Task ScoreAsync(OperationServices services, HttpContext http, ServedOperation operation)
    {
        MediaTypes.Choose(http.Request, [MediaTypes.Json]);
        (RowRequest request, byte[] body) = await services.Reader.ReadWholeAsync(http, operation.Fields, read => services.WithoutRoom(http, read));
        using RowRequest held = request;
        (ServedModel model, Voice voice) = await VoiceAsync(services, http, request);
        var sound = Sound.Read(body, services.Limits.Value.ValuesPerRequest);
        float[] mels = voice.Vocoder.Mels.Of(sound);
        var work = new SoundWork(services, http, request, model, Operation.LogProb);
        long began = services.Time.GetTimestamp();
        TimeSpan timeout = Deadline.Of(request.TimeoutMs, model.Queue.Options);
        var (logProb, samples) = (0.0, 0);
        foreach (Func<(double LogProb, int Samples)> piece in voice.Vocoder.Pieces(sound, mels))
        {
            var (one, count) = await work.RunAsync(piece, Left());
            (logProb, samples) = (logProb + one, samples + count);
        }
        double? finite = double.IsFinite(logProb) ? logProb : null;
        await http.Response.WriteAsJsonAsync(new SoundAnswer(model.Name, model.Version, finite, samples, finite / samples), http.RequestAborted);

        TimeSpan Left() => timeout - services.Time.GetElapsedTime(began) is { Ticks: > 0 } left ? left : throw Deadline.Passed();
    }

    private static async Task<(ServedModel Model, Voice Voice)> VoiceAsync(OperationServices services, HttpContext http, RowRequest request)
    {
        ServedModel model = await services.FindAsync(http, request);
        return (model, model.Voice ?? throw new RequestException(ProblemKind.UnsupportedMediaType, $"model '{model.Name}' is not a flow over sound: it takes and answers with rows"));
    }

    private static float[] MelsOf(HttpContext http, Voice voice, byte[] body, LimitsOptions limits)
    {
        if (MediaTypes.IsWav(http.Request))
        {
            return voice.Vocoder.Mels.Of(Sound.Read(body, limits.ValuesPerRequest));
        }
        try
        {
            var (values, rows, columns) = NpyMatrix.Read(body);
            if (voice.Vocoder.SamplesOf(Math.Min(columns, limits.ValuesPerRequest)) is var samples && samples > limits.ValuesPerRequest || columns > limits.ValuesPerRequest)
                throw new RequestException(ProblemKind.TooManyRows, $"{columns} frames of mels become more than {limits.ValuesPerRequest} samples (Limits:ValuesPerRequest); send them in parts");
            return voice.Vocoder.Checked(values, rows, columns);
        }
        catch (FlowCore.FlowException e) when (e is not SoundException)
        {
            throw new RequestException(ProblemKind.InvalidBody, $"the body {e.Message}");
        }
    }
}
