using System.Buffers;
using System.IO.Pipelines;
using FlowCore;
using FlowRows;
using FlowRows.Json;
using FlowRows.Npy;
using FlowRows.Tables;
using FlowService.Models;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FlowService.Requests;

/// <summary>
/// A body of multipart/form-data (RFC 7578) with two parts: <c>x</c>, a picture or an array of rows, and <c>context</c>, what they are
/// conditioned on. What a part is, its first bytes say. What is wrong with one is said with its name.
/// </summary>
internal sealed class FormBody
{
    // A boundary has at most 70 characters (RFC 2046, section 5.1.1); a part's headers are a few.
    private const int LongestBoundary = 70, MostHeaders = 8, MostHeaderBytes = 2048, BlockBytes = 1 << 14;

    private const string Remedy = "send two, x and context, as curl -F x=@picture.png -F context=@small.png does";

    private static readonly RowFormat[] Formats = [RowFormats.Picture, .. RowFormats.Streamed.OfType<NpyFormat>()];

    private readonly Dictionary<string, (RowFormat Format, byte[] Bytes)> parts = [];

    /// <exception cref="RowFault">A part is missing, unknown, there twice or cut off, or they are too large.</exception>
    public static async Task<FormBody> ReadAsync(HttpRequest request, long mostBytes, CancellationToken cancellation)
    {
        if (request.ContentLength > mostBytes)
            throw JsonBody.TooLarge(mostBytes);
        string? boundary = MediaTypes.BoundaryOf(request);
        if (boundary is not { Length: > 0 and <= LongestBoundary })
            throw Broken("the body is multipart/form-data, and its Content-Type has no boundary");
        var form = new FormBody();
        var reader = new MultipartReader(boundary, request.Body) { HeadersCountLimit = MostHeaders, HeadersLengthLimit = MostHeaderBytes };
        string? open = null;
        try
        {
            long left = mostBytes;
            while (await reader.ReadNextSectionAsync(cancellation) is { } section)
            {
                open = form.NameOf(section);
                using var bytes = new MemoryStream();
                byte[] block = new byte[BlockBytes];
                for (int taken; (taken = await section.Body.ReadAsync(block, cancellation)) > 0; bytes.Write(block, 0, taken))
                    if ((left -= taken) < 0)
                        throw JsonBody.TooLarge(mostBytes);
                form.parts.Add(open, (FormatOf(open, bytes), bytes.ToArray()));
                open = null;
            }
        }
        // What the reader says of parts that do not end, or whose headers are too long; a connection that breaks is another type.
        catch (Exception e) when (e is InvalidDataException || e.GetType() == typeof(IOException))
        {
            string which = open is null ? $"part {form.parts.Count + 1} of the body" : $"part '{open}'";
            string why = e is InvalidDataException ? e.Message.TrimEnd('.') : "the body ends before the boundary behind it";
            throw Broken($"{which} cannot be read: {why}; {Remedy}", open);
        }
        foreach (string name in (string[])[RowNames.X, RowNames.Context])
            if (!form.parts.ContainsKey(name))
                throw Broken($"part '{name}' is missing; {Remedy}", name);
        return form;
    }

    /// <summary>The size of the images in <c>x</c>.</summary>
    public ValueTask<ShownImages?> ImagesAsync(bool channelsLast, CancellationToken cancellation) =>
        parts[RowNames.X].Format.ImagesAsync(Pipe(RowNames.X), channelsLast, cancellation);

    /// <summary>The rows, and what they are conditioned on.</summary>
    /// <exception cref="RowFault">A part is not what the model takes: names it.</exception>
    public async Task<RowBlock<float>> RowsAsync(ServedModel model, Func<RowLayout, RowSource> source, CancellationToken cancellation)
    {
        if (model.Spec.Context is null)
            throw new RowFault(RowFaultKind.WrongContext, FlowSpec.TakesNoContext(model.Name)) { Field = RowNames.Context };
        RowBlock<float> rows = await ReadAsync(RowNames.X, model, source, cancellation);
        try
        {
            RowBlock<float> contexts = await ReadAsync(RowNames.Context, model, source, cancellation);
            return new(rows.Values!, contexts.Context, errors: null);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    private async Task<RowBlock<float>> ReadAsync(string name, ServedModel model, Func<RowLayout, RowSource> source, CancellationToken cancellation)
    {
        try
        {
            var layout = new ModelLayout(model.Name, model.Spec, name, hasContext: name == RowNames.X);
            await using RowReader<float> reader = await parts[name].Format.OpenAsync<float>(Pipe(name), source(layout), cancellation);
            RowBlock<float> block = await reader.ReadAllAsync(cancellation);
            if (block.Rows > 0)
                return block;
            block.Dispose();
            throw RowFault.NoRows("it");
        }
        catch (RowFault e)
        {
            throw new RowFault(e.Kind, $"part '{name}': {e.Message}") { Field = e.Field ?? name, Row = e.Row, Column = e.Column };
        }
    }

    private PipeReader Pipe(string name) => PipeReader.Create(new ReadOnlySequence<byte>(parts[name].Bytes));

    private string NameOf(MultipartSection section)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition)
            || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name)
            throw Broken($"part {parts.Count + 1} has no name in a header Content-Disposition: form-data; {Remedy}");
        if (name is not (RowNames.X or RowNames.Context))
            throw Broken($"part '{name.Shown()}' is unknown; {Remedy}, and say the rest in the query", name.Shown());
        return parts.ContainsKey(name) ? throw Broken($"part '{name}' is there twice; {Remedy}", name) : name;
    }

    private static RowFormat FormatOf(string name, MemoryStream bytes)
    {
        ReadOnlySpan<byte> start = bytes.GetBuffer().AsSpan(0, (int)Math.Min(bytes.Length, BlockBytes));
        if (start.IsEmpty)
            throw Broken($"part '{name}' is empty; it should be a PNG or a NumPy array", name);
        foreach (RowFormat format in Formats)
            if (format.Begins(start))
                return format;
        throw Broken($"part '{name}' is neither a PNG nor a NumPy array", name);
    }

    private static RowFault Broken(string detail, string? field = null) => new(RowFaultKind.InvalidBody, detail) { Field = field };
}
