using FlowCore;
using FlowService.Errors;
using FlowService.Models;

namespace FlowService.Wire;

/// <summary>
/// What a body's columns must bring for one operation of one model: the values of each row, its context unless the request has
/// given it already, and what is only to be passed on.
/// </summary>
/// <param name="Model">The model's name.</param>
/// <param name="Field">What the values are: x or z. Context alone where the operation takes no values.</param>
/// <param name="Values">The columns' names, in the model's order.</param>
/// <param name="Context">The same for the context.</param>
/// <param name="IsNamed">False where the model knows no names: any will do then, in its order.</param>
/// <param name="Keep">The columns to pass on; <c>*</c> for all.</param>
internal sealed record RowLayout(string Model, RequestField Field, string[] Values, string[] Context, bool IsNamed, List<string> Keep)
{
    private const string All = "*";

    /// <summary>The layout of the rows that a request's body brings.</summary>
    public static RowLayout Of(RowRequest request, RequestField field, ServedModel model)
    {
        string[] values = field == RequestField.Context ? [] : ValueNames(field, model);
        string[] context = request.Context is null && model.Spec.Context is { } expected ? ContextNames(expected) : [];
        bool isNamed = (field != RequestField.X || model.Spec.Features is not null) && (context.Length == 0 || model.Spec.Context!.Features is not null);
        return new(model.Name, field, values, context, isNamed, request.Keep ?? []);
    }

    /// <summary>The names that the columns of x, z or samples have in a table.</summary>
    public static string[] ValueNames(RequestField field, ServedModel model) =>
        field == RequestField.X && model.Spec.Features is { } names ? names : Numbered(field.Name(), model.Width);

    /// <summary>Finds the columns in a table with these names. Others than those asked for are an error: a misspelt name must not pass unseen.</summary>
    /// <exception cref="RequestException">422: names what is missing or unknown, and the remedy.</exception>
    public RowColumns Named(IReadOnlyList<string> names)
    {
        for (int i = 0; i < names.Count; i++)
            if (names.Take(i).Contains(names[i], StringComparer.Ordinal))
                throw Refused(ProblemKind.InvalidBody, $"two columns are named '{names[i].Shown()}'", names[i]);
        int[] kept = Kept(names);
        string[] wanted = [.. Values, .. Context];
        int[] others = [.. Enumerable.Range(0, names.Count).Where(i => !kept.Contains(i) || wanted.Contains(names[i]))];
        if (!IsNamed && others.Length == wanted.Length && !wanted.Any(names.Contains))
            return new(others[..Values.Length], others[Values.Length..], kept);
        if (wanted.FirstOrDefault(name => !names.Contains(name)) is { } missing)
            throw Refused(ProblemKind.MissingColumn, $"column '{missing}' is missing; model '{Model}' takes {Listed(wanted)}", missing);
        if (others.FirstOrDefault(i => !wanted.Contains(names[i]), -1) is >= 0 and var unknown)
            throw Refused(ProblemKind.UnknownColumn, $"column '{names[unknown].Shown()}' is unknown; model '{Model}' takes {Listed(wanted)}. "
                + $"keep={names[unknown].Shown()} in the query passes it on, keep=* every column", names[unknown]);
        int At(string name) => Enumerable.Range(0, names.Count).First(i => names[i] == name);
        return new([.. Values.Select(At)], [.. Context.Select(At)], kept);
    }

    /// <summary>The columns of a table without names: the values, then the context.</summary>
    public RowColumns Unnamed(int count)
    {
        int expected = Values.Length + Context.Length;
        if (Keep.Count > 0)
            throw Refused(ProblemKind.InvalidArgument, "keep names columns, and the body's columns have no names", RequestField.Keep.Name());
        if (count != expected)
            throw Refused(ProblemKind.WrongWidth, $"{Field.Name()}: the rows have {count} values, model '{Model}' takes {Values.Length}"
                + (Context.Length > 0 ? $" and then {Context.Length} of context" : " in each"), Field.Name());
        return new([.. Enumerable.Range(0, Values.Length)], [.. Enumerable.Range(Values.Length, Context.Length)], []);
    }

    private int[] Kept(IReadOnlyList<string> names)
    {
        if (Keep.Contains(All))
            return [.. Enumerable.Range(0, names.Count)];
        if (Keep.Find(name => !names.Contains(name)) is { } missing)
            throw Refused(ProblemKind.MissingColumn, $"keep: there is no column '{missing.Shown()}' in the body", missing);
        return [.. Enumerable.Range(0, names.Count).Where(i => Keep.Contains(names[i]))];
    }

    private static string[] ContextNames(ContextSpec context) =>
        context.Features ?? (context.Classes is null ? Numbered(RequestField.Context.Name(), context.Width) : [RequestField.Context.Name()]);

    private static string[] Numbered(string name, int count) => [.. Enumerable.Range(0, count).Select(i => $"{name}_{i}")];

    private static string Listed(string[] names) => names.Length <= 8 ? string.Join(", ", names) : $"{string.Join(", ", names[..8])} and {names.Length - 8} more";

    private static RequestException Refused(ProblemKind kind, string detail, string field) => new(kind, detail) { Field = field.Shown() };
}

/// <summary>Where the values, the context and what is passed on stand among a table's columns.</summary>
internal sealed record RowColumns(int[] Values, int[] Context, int[] Kept);
