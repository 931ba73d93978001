using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowRows.Answers;

/// <summary>What only some formats can do is refused for the others: nothing that was asked for is left out silently.</summary>
internal static class CarriedArguments
{
    /// <param name="body">What the rows come in; null for JSON.</param>
    /// <param name="answer">What the answer is written as; null for a picture.</param>
    /// <param name="keeps">Whether columns of the body are to go into the answer.</param>
    /// <param name="onError">What happens to a row that cannot be read.</param>
    /// <param name="channelsLast">Whether images were said to have their channels last.</param>
    /// <param name="explains">Whether rows are explained.</param>
    /// <exception cref="RowFault">A format cannot do what is asked.</exception>
    public static void Check(RowFormat? body, RowFormat? answer, bool keeps, OnError onError, bool channelsLast, bool explains = false)
    {
        string name = answer?.MediaType ?? "image/png";
        if (keeps && (body is not { Keeps: true, IsWhole: false } || answer is not { Keeps: true, IsWhole: false }))
            throw Invalid("keep", $"keep passes on columns of a CSV or Arrow body to a CSV or Arrow answer; this answer is {name}");
        if (onError != OnError.Fail && answer is not { Keeps: true })
            throw Invalid("on_error", $"on_error adds a column to JSON, CSV and Arrow answers; {name} has no place for it: ask for one of these");
        if (explains && answer is not { Keeps: true })
            throw new RowFault(RowFaultKind.NotAcceptable, $"the attribution goes into JSON, CSV and Arrow answers; {name} has no place for it: ask for one of these") { Field = ScoreRequest.Attribution };
        if (channelsLast && body is not { CountsFirst: true })
            throw Invalid("layout", "layout says in which order the images of a NumPy body lie; this body is not one");
    }

    private static RowFault Invalid(string field, string detail) => new(RowFaultKind.InvalidArgument, detail) { Field = field };
}
