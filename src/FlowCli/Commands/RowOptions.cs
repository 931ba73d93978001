using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FlowCli.Rows;
using FlowRows;
using FlowRows.Tables;

namespace FlowCli.Commands;

/// <summary>The options that say how rows are read, shared by all commands that read them.</summary>
internal sealed class RowOptions
{
    private const string Yes = "yes", ChannelsLast = "nhwc";

    private RowOptions(Option<string> input) => Input = input;

    public Option<string> Input { get; }

    public Option<bool> IgnoreExtra { get; } = new("--ignore-extra") { Description = "Ignore columns that the model does not know, whatever they hold." };

    public Option<string[]> Keep { get; } = Names("--keep", "Input columns to copy to the output unchanged; * for all.");

    public Option<string?> Header { get; } = HeaderOption();

    public Option<string?> Layout { get; } = LayoutOption();

    public Option<OnError> OnError { get; } = new("--on-error")
    {
        Description = "What to do with a row that cannot be read: fail stops, skip leaves the row out and adds a column 'row', null writes nulls and the reason in a column 'error'.",
        HelpName = "fail|skip|null",
        DefaultValueFactory = _ => FlowRows.Tables.OnError.Fail,
        CustomParser = result => CommonOptions.OneOf(result,
            ("fail", FlowRows.Tables.OnError.Fail), ("skip", FlowRows.Tables.OnError.Skip), ("null", FlowRows.Tables.OnError.Null)),
    };

    /// <summary>The options of a command whose rows are what <paramref name="what"/> says.</summary>
    public static RowOptions For(string what) => new(new("--input")
    {
        Description = $"{what}, as {RowFormats.ListedExtensions}, each optionally followed by .gz; - for standard input.",
        HelpName = "FILE",
        Required = true,
    });

    public IEnumerable<Option> All => [Input, IgnoreExtra, Keep, Header, Layout, OnError];

    public RowArguments Of(ParseResult parsed) => new()
    {
        Path = parsed.GetRequiredValue(Input),
        IgnoreExtra = parsed.GetValue(IgnoreExtra),
        Keep = parsed.GetValue(Keep) ?? [],
        Header = HasHeader(parsed, Header),
        ChannelsLast = AreChannelsLast(parsed, Layout),
        OnError = parsed.GetValue(OnError),
    };

    // Words, for an option of truth values takes no word behind it.
    public static Option<string?> HeaderOption() => Word("--header", "Whether the first line of a CSV file holds names; by default this is read off the line itself.", Yes, "no");

    /// <summary>What was said of the header; null where nothing was.</summary>
    public static bool? HasHeader(ParseResult parsed, Option<string?> header) => parsed.GetValue(header) is { } said ? said == Yes : null;

    public static Option<string?> LayoutOption() => Word("--layout", "The layout of images in an array: nchw (default), or nhwc, channels last.", "nchw", ChannelsLast);

    /// <summary>Whether the channels were said to stand last.</summary>
    public static bool AreChannelsLast(ParseResult parsed, Option<string?> layout) => parsed.GetValue(layout) == ChannelsLast;

    private static Option<string?> Word(string name, string description, params string[] words)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', words) };
        option.AcceptOnlyFromAmong(words);
        return option;
    }

    /// <summary>A list of columns with commas between them.</summary>
    public static Option<string[]> Names(string option, string description) => new(option)
    {
        Description = description,
        HelpName = "COLUMN,...",
        CustomParser = result =>
        {
            string[] names = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
            if (names.Any(name => name.Length == 0))
                result.AddError($"{option}: '{result.Tokens[0].Value}' is not COLUMN,COLUMN,...");
            else if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
                result.AddError($"{option}: names '{twice.Key}' twice");
            return names;
        },
    };
}

/// <summary>The options that say what rows are conditioned on.</summary>
internal sealed class ContextOptions
{
    public Option<string?> File { get; } = new("--context")
    {
        Description = "The condition of each row, or one for all rows, as a file like the input; by default, columns of the input.",
        HelpName = "FILE",
    };

    public Option<double[]?> Values { get; } = new("--context-values")
    {
        Description = "The condition of all rows: numbers separated by commas.",
        HelpName = "X,...",
        CustomParser = result =>
        {
            var values = new List<double>();
            foreach (string part in result.Tokens[0].Value.Split(','))
                if (double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
                    values.Add(value);
                else
                    result.AddError($"--context-values: '{part}' is not a number");
            return [.. values];
        },
    };

    public void Check(CommandResult result)
    {
        if (result.GetResult(File) is not null && result.GetResult(Values) is not null)
            result.AddError("--context and --context-values: give either a file or the values");
    }
}
