using FlowRows.Pictures;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Json;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Errors;
using FlowService.Models;

namespace FlowService.Requests;

/// <summary>What an answer is written as: rows in a format, or a picture.</summary>
/// <param name="Rows">The format of the rows; null for a picture.</param>
internal readonly record struct AnswerFormat(RowFormat? Rows)
{
    /// <summary>The format that the client asks for, among those that the operation and the model have.</summary>
    /// <exception cref="RequestException">406 where it is none of them; 422 where the request asks for what it cannot carry.</exception>
    public static AnswerFormat Of(HttpRequest http, RowRequest request, FieldSet fields, ServedModel model)
    {
        AnswerFormat format = MediaTypes.IsAnything(http) && request.Body != RowFormats.Picture ? new(request.Body ?? JsonFormat.Instance) : Chosen(http, request, fields, model);
        format.CheckArguments(request);
        return format;
    }

    private string MediaType => Rows?.MediaType ?? MediaTypes.Png;

    private static AnswerFormat Chosen(HttpRequest http, RowRequest request, FieldSet fields, ServedModel model)
    {
        bool pictures = fields.Has(RequestFields.Range) && ImageGrid.Shows(model.Spec);
        string reason = fields.Has(RequestFields.Range) ? PictureAnswer.Reason(model) : "";
        string type = MediaTypes.Choose(http, MediaTypes.Offered(request, fields, pictures), reason);
        return new(type switch
        {
            MediaTypes.Png => null,
            MediaTypes.Json => JsonFormat.Instance,
            _ when type == RowFormats.Csv.MediaType && MediaTypes.WantsNoHeader(http) => RowFormats.CsvWithoutHeader,
            _ => RowFormats.OfMediaType(type),
        });
    }

    /// <summary>What only some answers can do is refused for the others: nothing that was asked for is left out silently.</summary>
    private void CheckArguments(RowRequest request)
    {
        if (Rows is not { Keeps: true })
            request.UsualOnError = OnError.Fail; // there is no place for what was wrong with a row
        if (request.Dtype is not null && Rows is not { IsBinary: true })
            throw Invalid(RequestFields.Dtype, $"dtype is for NumPy and Arrow answers; this one is {MediaType}: leave it out, or send Accept");
        CarriedArguments.Check(request.Body, Rows, request.Keep is { Count: > 0 } && !request.KeepsIfNamed, request.OnError, request.Layout == ImageLayout.Nhwc,
            request.Include?.Contains(ScoreRequest.Attribution) == true);
    }

    private static RequestException Invalid(RequestField field, string detail) => new(ProblemKind.InvalidArgument, detail) { Field = field.Name };
}
