using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Commands;

/// <summary>What training on images needs to know beside the file.</summary>
internal sealed class ImageOptions(Option<string> flow)
{
    public Option<int[]?> Event { get; } = new("--event")
    {
        Description = "The shape of one image, for example 1,28,28.",
        HelpName = "C,H,W",
        CustomParser = result =>
        {
            var sizes = new List<int>();
            foreach (string part in result.Tokens[0].Value.Split(','))
                if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size > 0)
                    sizes.Add(size);
            if (sizes.Count != 3 || result.Tokens[0].Value.Count(c => c == ',') != 2)
                result.AddError($"--event: '{result.Tokens[0].Value}' is not a shape C,H,W of channels, height and width");
            return [.. sizes];
        },
    };

    public Option<string?> Labels { get; } = new("--labels")
    {
        Description = "The class of each image, 0, 1, ..., as .npy or .csv: the flow is conditioned on it.",
        HelpName = "FILE",
    };

    public Option<double[]?> Range { get; } = new("--range")
    {
        Description = "The lowest and highest value that a pixel can have; by default, those in the data.",
        HelpName = "LOW HIGH",
        Arity = new ArgumentArity(2, 2),
        AllowMultipleArgumentsPerToken = true,
    };

    public Option<int?> Levels { get; } = CommonOptions.Count("--levels", "How often an image flow halves height and width; at most 3 by default.");

    public Option<int?> Scale { get; } = CommonOptions.Count("--scale", "Of sr: how many times smaller the sides of the images are that it enlarges: 2, 4 or 8 (default 4).", least: 2);

    /// <summary>Refuses options of tables beside a flow over images, and the other way round.</summary>
    public void Check(CommandResult result, params Option[] ofTables)
    {
        // The token, not the value: a name that is not a flow has no value, and is refused by its own option.
        string preset = result.GetResult(flow)?.Tokens is [var named, ..] ? named.Value : FlowSearch.Auto;
        bool enlarges = preset == SuperResolutionPreset.Name, images = enlarges || ImagePresets.Names.Contains(preset);
        foreach (Option option in images ? ofTables : [Event, Labels, Range, Levels, Scale])
            if (result.GetResult(option) is { Implicit: false })
                result.AddError(images
                    ? $"{option.Name}: names a column, and '{preset}' learns images; their classes come by --labels"
                    : $"{option.Name}: '{preset}' learns tables; images are learned by {string.Join(", ", ImagePresets.Names)} and {SuperResolutionPreset.Name}");
        foreach (Option option in enlarges ? [Labels, Levels] : images ? (Option[])[Scale] : [])
            if (result.GetResult(option) is { Implicit: false })
                result.AddError(enlarges
                    ? $"{option.Name}: '{preset}' is conditioned on the small image, and --scale says how often it halves the sides"
                    : $"{option.Name}: is for '{SuperResolutionPreset.Name}', which enlarges images; '{preset}' does not");
        if (result.GetResult(Scale) is { Implicit: false } scale && scale.Tokens is [var asked] && !SuperResolutionPreset.Scales.Any(known => asked.Value == $"{known}"))
            result.AddError($"--scale: must be one of {string.Join(", ", SuperResolutionPreset.Scales)}");
        if (images && result.GetResult(Event) is null)
            result.AddError($"--event: '{preset}' needs the shape of one image, for example --event 1,28,28");
    }
}
