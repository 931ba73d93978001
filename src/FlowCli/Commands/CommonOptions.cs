using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using FlowCli.Rows;
using FlowCore.Engines;
using FlowRows;
using FlowRows.Answers;

namespace FlowCli.Commands;

/// <summary>The options that several commands share, and how their values are read.</summary>
internal static class CommonOptions
{
    public static Option<string> Model() => new("--model")
    {
        Description = "The checkpoint's folder, for example models/two-moons/1; models/two-moons means its newest version.",
        HelpName = "FOLDER",
        Required = true,
    };

    public static Option<string?> Output(bool pictures = false, bool sounds = false, bool parts = false)
    {
        var option = new Option<string?>("--output")
        {
            Description = $"The output file: {RowFormats.ListedExtensions}{(pictures ? ", or .png for images" : "")}{(sounds ? ", .wav for a model of sound" : "")}{(parts ? $", or {PartFile.Extension} with --shard, for flow join" : "")}; - or no option for standard output.",
            HelpName = "FILE",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } path && path != RowPipe.Standard && !IsWritable(path)
                && !(pictures && PictureOutput.IsPicture(path)) && !(sounds && SpeechWork.IsSound(path)) && !(parts && PartFile.Is(path)))
                result.AddError($"--output: '{path}' ends in none of {string.Join(", ", RowFormats.Extensions)}{(pictures ? ", .png" : "")}{(sounds ? ", .wav" : "")}{(parts ? $", {PartFile.Extension}" : "")}");
        });
        return option;
    }

    public static Option<string> Device() => new("--device") { Description = "cpu, cuda or cuda:n.", DefaultValueFactory = _ => "cpu" };

    public static Option<EngineKind> Engine() => new("--engine")
    {
        Description = "auto (the device's compiled one, where it runs the flow's kinds), compiled (on the CPU), gpu or torch.",
        HelpName = "auto|compiled|gpu|torch",
        DefaultValueFactory = _ => EngineKind.Auto,
        CustomParser = result => OneOf(result, ("auto", EngineKind.Auto), ("compiled", EngineKind.Compiled), ("gpu", EngineKind.Gpu), ("torch", EngineKind.Torch)),
    };

    public static Option<ElementType> Type() => new("--dtype")
    {
        Description = "The precision of computation and output: float32, as on the server, or float64.",
        HelpName = "float32|float64",
        DefaultValueFactory = _ => ElementType.Float32,
        CustomParser = result => OneOf(result, ("float32", ElementType.Float32), ("float64", ElementType.Float64)),
    };

    public static Option<int[]?> Size() => new("--size")
    {
        Description = "Height and width of the model's images, where it takes several sizes; by default those of the rows, where an array or a picture shows them.",
        HelpName = "H,W",
        CustomParser = result =>
        {
            int[] sides = [.. result.Tokens[0].Value.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int side) ? side : 0)];
            if (sides.Length != 2 || sides.Contains(0))
                result.AddError($"--size: '{result.Tokens[0].Value}' is not H,W, height and width in pixels");
            return sides;
        },
    };

    /// <summary>Height and width as they were given.</summary>
    public static (int Height, int Width)? SizeOf(ParseResult parsed, Option<int[]?> size) => parsed.GetValue(size) is [var height, var width] ? (height, width) : null;

    public static Option<RowFormat?> OutputFormat() => new("--output-format")
    {
        Description = "The format on standard output.",
        HelpName = "csv|npy|arrow|json",
        CustomParser = result => OneOf(result, [.. RowFormats.All.Select(format => (format.Extensions[0][1..], (RowFormat?)format))]),
    };

    private static bool IsWritable(string path) => RowFormats.OfName(
        path.EndsWith(Compression.Extension, StringComparison.OrdinalIgnoreCase) ? path[..^Compression.Extension.Length] : path) is not null;

    public static Option<string[]> Include(params string[] columns)
    {
        var option = new Option<string[]>("--include")
        {
            Description = $"More columns in the output: {string.Join(", ", columns)}.",
            HelpName = "COLUMN,...",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
            CustomParser = result =>
            {
                string[] names = [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries))];
                if (Array.Find(names, name => !columns.Contains(name)) is { } unknown)
                    result.AddError($"--include: '{unknown}' is not one of {string.Join(", ", columns)}");
                return names;
            },
        };
        option.CompletionSources.Add(columns);
        return option;
    }

    public static Option<int?> Count(string name, string description, int least = 1) =>
        Bounded<int>(name, description, "N", NumberStyles.AllowLeadingSign, (option, count) => count < least ? $"{option}: must be at least {least}" : null);

    public static Option<int?> Samples() => Bounded<int>(
        "--count", "How many rows to draw; for a conditional model, how many for each context. A .wav needs none.", "N", NumberStyles.AllowLeadingSign,
        (option, count) => SampleCount.Fault(option, count, int.MaxValue));

    public static Option<double?> NoiseScale() =>
        Bounded<double>("--temperature", "Scales the noise; below 1 gives likelier rows (default 1).", "X", NumberStyles.Float, Temperature.Fault);

    // What is no number is refused as such elsewhere.
    private static Option<T?> Bounded<T>(string name, string description, string helpName, NumberStyles style, Func<string, T, string?> fault)
        where T : struct, INumber<T>
    {
        var option = new Option<T?>(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && T.TryParse(token.Value, style, CultureInfo.InvariantCulture, out T value)
                && fault(name, value) is { } words)
                result.AddError(words);
        });
        return option;
    }

    public static Option<double?> Positive(string name, string description)
    {
        var option = new Option<double?>(name)
        {
            Description = description,
            HelpName = "X",
            CustomParser = result =>
            {
                if (double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0 && double.IsFinite(value))
                    return value;
                result.AddError($"{name}: '{result.Tokens[0].Value}' is not a positive number");
                return null;
            },
        };
        return option;
    }

    public static T OneOf<T>(ArgumentResult result, params (string Name, T Value)[] choices)
    {
        string text = result.Tokens[0].Value;
        foreach (var (name, value) in choices)
            if (name == text)
                return value;
        result.AddError($"{result.Argument.Name}: '{text}' is not one of {string.Join(", ", choices.Select(choice => choice.Name))}");
        return default!;
    }
}
