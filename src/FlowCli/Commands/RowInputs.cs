using FlowCli.RowFiles;
using FlowCore;

namespace FlowCli.Commands;

/// <summary>The rows of a command and their contexts, read side by side in chunks.</summary>
internal sealed class RowInputs : IDisposable
{
    private readonly RowReader rows;
    private readonly RowReader? contexts;
    private readonly double[] values;
    private readonly double[] conditions;
    private int count;

    public RowInputs(RowEngine engine, string input, string? context, string[]? names, bool ignoreExtra)
    {
        rows = new ColumnsByName(RowFile.Open(input), names, engine.Spec.Width, ignoreExtra);
        contexts = OpenContext(engine.Spec, context, ignoreExtra);
        values = new double[engine.ChunkRows * engine.Spec.Width];
        conditions = new double[engine.ChunkRows * engine.Spec.ContextWidth];
    }

    public ReadOnlySpan<double> Values => values.AsSpan(0, count * rows.Width);

    public ReadOnlySpan<double> Conditions => conditions.AsSpan(0, count * (contexts?.Width ?? 0));

    /// <summary>Reads the next chunk; false at the end of both files.</summary>
    public bool Next()
    {
        count = rows.Read(values);
        int with = contexts?.Read(conditions.AsSpan(0, Math.Max(1, count) * contexts.Width)) ?? count;
        if (contexts is not null && with != count)
            throw new FlowException(with < count
                ? $"{contexts.Path}: ends at {contexts.Place}: every row of {rows.Path} needs a context"
                : $"{contexts.Path}: has more rows than {rows.Path}");
        return count > 0;
    }

    /// <summary>The context file of a model, or null where the model takes none.</summary>
    public static RowReader? OpenContext(FlowSpec spec, string? path, bool ignoreExtra)
    {
        if (spec.Context is not { } context)
            return path is null ? null : throw new FlowException($"model '{spec.Name}' takes no context");
        return path is null
            ? throw new FlowException($"model '{spec.Name}' needs --context: {context.Width} values a row")
            : new ColumnsByName(RowFile.Open(path), context.Features, context.Width, ignoreExtra);
    }

    public void Dispose()
    {
        rows.Dispose();
        contexts?.Dispose();
    }
}
