using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What <c>flow train</c> was asked for.</summary>
internal sealed record TrainingRequest
{
    public required string Data { get; init; }

    public required string Out { get; init; }

    /// <summary>Whether the first line of CSV holds names; null where it must tell itself.</summary>
    public bool? Header { get; init; }

    /// <summary>The features' columns, in order; null for all that are nothing else.</summary>
    public string[]? Columns { get; init; }

    /// <summary>The columns that are left out.</summary>
    public string[] Exclude { get; init; } = [];

    /// <summary>Whether an image's channels stand behind its height and width.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Whether constant columns are left out rather than refused.</summary>
    public bool DropConstant { get; init; } = true;

    public string? Label { get; init; }

    /// <summary>The columns that the flow is conditioned on: no features.</summary>
    public string[] Context { get; init; } = [];

    /// <summary>The column of classes that the flow is conditioned on, which is not a feature.</summary>
    public string? ContextClass { get; init; }

    /// <summary>The columns of categories, whose frequencies are part of the density: no features.</summary>
    public string[] Categorical { get; init; } = [];

    /// <summary>The shape of one image, [channels, height, width]; null for a table.</summary>
    public int[]? Event { get; init; }

    /// <summary>The file of the images' classes.</summary>
    public string? Labels { get; init; }

    /// <summary>The least and the largest value that a pixel can have; null for those that occur.</summary>
    public double[]? Range { get; init; }

    /// <summary>How many times smaller the sides of the images are that a super-resolution flow enlarges.</summary>
    public int Scale { get; init; } = 4;

    public required string Preset { get; init; }

    public required PresetSizes Sizes { get; init; }

    public required TrainingOptions Options { get; init; }

    /// <summary>
    /// The options with what is left of the time: whoever gives one has it from the beginning, and the rows are read by then. A moment is left
    /// at any rate.
    /// </summary>
    /// <param name="elapsed">The time that is gone.</param>
    public TrainingOptions OptionsAfter(TimeSpan elapsed) => Options.MaxTime is { } limit
        ? Options with { MaxTime = TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMillisecond, (limit - elapsed).Ticks)) }
        : Options;

    /// <summary>Which columns are dequantised.</summary>
    public required Dequantizing Dequantize { get; init; }

    /// <summary>Who made the data and under which licence, for the model card.</summary>
    public string? Origin { get; init; }

    public required string Command { get; init; }

    /// <summary>The model's name: of models/NAME/1 it is NAME.</summary>
    public string Name => ModelName.Of(Out);
}
