using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>The element type of what is computed and written.</summary>
internal enum RowType
{
    Float32,
    Float64,
}

/// <summary>File names to readers and writers: the only switch over file formats.</summary>
internal static class RowFile
{
    private const string Known = ".csv and .npy";

    public static RowReader Open(string path)
    {
        if (!File.Exists(path))
            throw new FlowException($"{path}: not found");
        return Extension(path) switch
        {
            ".csv" or ".tsv" or ".txt" => new CsvRowReader(path),
            ".npy" => new NpyRowReader(path),
            _ => throw new FlowException($"{path}: unknown kind of file; {Known} are read"),
        };
    }

    /// <param name="path">Where to; null for CSV on the standard output.</param>
    /// <param name="standardOutput">What stands for the standard output.</param>
    /// <param name="names">The columns' names: their number is the width.</param>
    /// <param name="type">How exactly numbers are written.</param>
    public static RowWriter Create(string? path, TextWriter standardOutput, string[] names, RowType type) =>
        path is null ? new CsvRowWriter(standardOutput, names, type) : Extension(path) switch
        {
            ".csv" => new CsvRowWriter(new UnfinishedFile(path), names, type),
            ".npy" => new NpyRowWriter(new UnfinishedFile(path), names.Length, type),
            _ => throw new FlowException($"{path}: unknown kind of file; {Known} are written"),
        };

    /// <summary>Whether a file of this name can be written at all.</summary>
    public static bool IsWritable(string path) => Extension(path) is ".csv" or ".npy";

    private static string Extension(string path) => Path.GetExtension(path).ToLowerInvariant();
}
