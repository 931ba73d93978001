using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text.Json;
using FlowRows.Json;
using FlowService.Compressing;
using FlowService.OpenInference.Tensors;
using FlowService.Requests;

namespace FlowService.OpenInference.Rest;

/// <summary>
/// An answer as JSON, or as JSON with raw tensors behind it, written into the response's pipe and flushed as it fills. JSON has no
/// infinity and no NaN: such an element is null there, and its output says in <c>non_finite</c> how many there are; raw bytes carry it.
/// </summary>
internal static class InferAnswerWriter
{
    /// <summary>Bytes that may gather before they are sent on.</summary>
    private const int FlushBytes = 32 << 10;

    public static async Task WriteAsync(HttpResponse response, InferAnswer answer, CancellationToken cancellation)
    {
        PipeWriter body = response.BodyWriter;
        if (!Array.Exists(answer.Outputs, output => output.IsBinary))
        {
            response.ContentType = MediaTypes.Json;
            if (AnswerSize.Matters(response.HttpContext))
                response.HttpContext.Features.Set(AnswerSize.OfText(answer.Outputs.Sum(output => (long)output.Values.Length)));
            await WriteJsonAsync(body, answer, cancellation);
            await body.FlushAsync(cancellation);
            return;
        }
        // The length of the JSON part stands in a header, before it.
        var json = new ArrayBufferWriter<byte>();
        await WriteJsonAsync(json, answer, cancellation);
        response.ContentType = MediaTypes.Binary;
        response.Headers[InferRequestReader.HeaderLength] = json.WrittenCount.ToString(CultureInfo.InvariantCulture);
        response.ContentLength = json.WrittenCount + answer.Outputs.Where(output => output.IsBinary).Sum(output => (long)output.Bytes);
        body.Write(json.WrittenSpan);
        foreach (OutputTensor output in answer.Outputs)
            if (output.IsBinary)
                await WriteRawAsync(body, output, cancellation);
        await body.FlushAsync(cancellation);
    }

    private static async Task WriteJsonAsync(IBufferWriter<byte> target, InferAnswer answer, CancellationToken cancellation)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("model_name"u8, answer.Face.Name);
        json.WriteString("model_version"u8, answer.Face.Model.Version.ToString(CultureInfo.InvariantCulture));
        if (answer.Id is not null)
            json.WriteString("id"u8, answer.Id);
        if (answer.Seed is { } seed)
        {
            json.WriteStartObject("parameters"u8);
            json.WriteNumber("seed"u8, seed);
            json.WriteEndObject();
        }
        json.WriteStartArray("outputs"u8);
        foreach (OutputTensor output in answer.Outputs)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, output.Name);
            json.WriteString("datatype"u8, output.Spec.Datatype.Name);
            json.WriteStartArray("shape"u8);
            for (int i = 0; i < output.Spec.Shape.Length; i++)
                json.WriteNumberValue(output.Dimension(i));
            json.WriteEndArray();
            WriteParameter(json, output);
            if (!output.IsBinary)
                await WriteDataAsync(json, target, output, cancellation);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteParameter(Utf8JsonWriter json, OutputTensor output)
    {
        int nonFinite = output.IsBinary ? 0 : NonFinite(output.Values.Span);
        if (!output.IsBinary && nonFinite == 0)
            return;
        json.WriteStartObject("parameters"u8);
        if (output.IsBinary)
            json.WriteNumber("binary_data_size"u8, output.Bytes);
        else
            json.WriteNumber("non_finite"u8, nonFinite);
        json.WriteEndObject();
    }

    private static async Task WriteDataAsync(Utf8JsonWriter json, IBufferWriter<byte> target, OutputTensor output, CancellationToken cancellation)
    {
        json.WriteStartArray("data"u8);
        for (int next = 0; next < output.Values.Length;)
        {
            next = WriteNumbers(json, output.Values.Span, next);
            json.Flush();
            if (target is PipeWriter { UnflushedBytes: >= FlushBytes } body)
                await body.FlushAsync(cancellation);
        }
        json.WriteEndArray();
    }

    /// <summary>Writes numbers until enough has gathered; returns the one to go on with.</summary>
    private static int WriteNumbers(Utf8JsonWriter json, ReadOnlySpan<float> values, int next)
    {
        for (; next < values.Length && json.BytesPending < FlushBytes; next++)
            JsonAnswerWriter<float>.WriteNumber(json, values[next]);
        return next;
    }

    private static async Task WriteRawAsync(PipeWriter body, OutputTensor output, CancellationToken cancellation)
    {
        for (int sent = 0; sent < output.Bytes; sent += FlushBytes)
        {
            body.Write(Part(output, sent));
            if (body.UnflushedBytes >= FlushBytes)
                await body.FlushAsync(cancellation);
        }
    }

    private static ReadOnlySpan<byte> Part(OutputTensor output, int from) =>
        MemoryMarshal.AsBytes(output.Values.Span).Slice(from, Math.Min(FlushBytes, output.Bytes - from));

    private static int NonFinite(ReadOnlySpan<float> values)
    {
        int count = 0;
        foreach (float value in values)
            if (!float.IsFinite(value))
                count++;
        return count;
    }
}
