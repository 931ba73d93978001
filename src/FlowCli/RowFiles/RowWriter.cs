namespace FlowCli.RowFiles;

/// <summary>Writes rows of one width, in order. A file appears under its name only when <see cref="Complete"/> was called.</summary>
internal abstract class RowWriter : IDisposable
{
    /// <summary>Appends whole rows.</summary>
    public abstract void Write(ReadOnlySpan<double> values);

    /// <summary>All rows were written.</summary>
    public abstract void Complete();

    public abstract void Dispose();
}
