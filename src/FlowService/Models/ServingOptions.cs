using System.ComponentModel.DataAnnotations;
using System.Globalization;
using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>How a model is served: in the section <c>Models</c> for all, in <c>Models:Overrides:NAME</c> for one of them.</summary>
internal sealed class ServingOptions
{
    private const string Latest = "latest", All = "all";

    /// <summary>The versions that are loaded: <c>all</c> (default), <c>latest</c>, or numbers like <c>1,3</c>.</summary>
    [RegularExpression(@"(?i)all|latest|\s*[1-9][0-9]{0,8}\s*(,\s*[1-9][0-9]{0,8}\s*)*",
        ErrorMessage = "Models:Versions must be all, latest, or version numbers like 1,3: the versions that are loaded (default all).")]
    [Required(ErrorMessage = "Models:Versions is empty: say all, latest, or version numbers like 1,3, or leave it out (default all).")]
    public string Versions { get; set; } = All;

    /// <summary>The number of engines that compute a model's batches side by side (default 1).</summary>
    [Within(1, 256, ErrorMessage = "Models:Instances must lie in 1..256: it is the number of engines that compute a model's batches side by side (default 1).")]
    public int Instances { get; set; } = 1;

    /// <summary>The devices of the instances, in turn, like <c>cuda:0,cuda:1</c>; left out, that of <c>Torch:Device</c>.</summary>
    [RegularExpression(@"(?i)\s*(auto|cpu|cuda(:[0-9]+)?)\s*(,\s*(auto|cpu|cuda(:[0-9]+)?)\s*)*",
        ErrorMessage = "Models:Devices must list auto, cpu, cuda or cuda:n, like cuda:0,cuda:1: the devices of a model's instances (default Torch:Device).")]
    public string? Devices { get; set; }

    /// <summary>
    /// Gives a row the same bits whatever batch it rides in, also where the engine itself does not promise it: each row is then
    /// computed alone, which costs what batches gain (default false).
    /// </summary>
    public bool Deterministic { get; set; }

    /// <summary>Remembers answers and gives them again where the same is asked, within <c>Cache:Bytes</c> (default false).</summary>
    public bool Cache { get; set; }

    /// <summary>Of one model: the version that is compared with the highest other one on the rows of /logprob and /score, and does not serve until it is promoted (default 0: none).</summary>
    /// <remarks>A new version shall show on today's rows that it is better.</remarks>
    [Within(0, 999_999_999, ErrorMessage = "Models:Overrides:NAME:Shadow must be the number of a version: it is compared with the one that serves; 0 compares none (default 0).")]
    public int Shadow { get; set; }

    /// <summary>The share of the rows that the compared version scores, too (default 0.1), where no rows wait and <c>Models:ShadowTime</c> is kept.</summary>
    [Within(0, 1, ErrorMessage = "Models:ShadowShare must lie in 0..1: the share of the rows that the version of Shadow scores, too (default 0.1).")]
    public double ShadowShare { get; set; } = 0.1;

    /// <summary>The share of the time that is spent on scoring rows by the compared version (default 0.003): no larger share of the requests can meet it at work.</summary>
    /// <remarks>Large models shall be compared sooner, and a request in a hundred may wait for it.</remarks>
    [Within(0, 1, ErrorMessage = "Models:ShadowTime must lie in 0..1: the share of the time in which rows are scored by the version of Shadow (default 0.003).")]
    public double ShadowTime { get; set; } = 0.003;

    /// <summary>Whether the compared version serves by itself once it is better for certain, and no more once it is worse (default false: an administrator promotes it).</summary>
    public bool Promote { get; set; }

    public bool IsLatest => Versions.Equals(Latest, StringComparison.OrdinalIgnoreCase);

    /// <summary>The versions that are listed by number, or null for all of them or the latest.</summary>
    public int[]? ListedVersions() => IsLatest || Versions.Equals(All, StringComparison.OrdinalIgnoreCase)
        ? null
        : Array.ConvertAll(Versions.Split(','), each => int.Parse(each, CultureInfo.InvariantCulture));

    /// <summary>Whether a version is one of those that may be loaded.</summary>
    public bool Wants(int version) => ListedVersions() is not { } listed || listed.Contains(version);

    /// <summary>The device of an instance, or null for that of <c>Torch:Device</c>.</summary>
    public string? DeviceOf(int instance) =>
        Devices is { Length: > 0 } && Devices.Split(',', StringSplitOptions.TrimEntries) is var devices ? devices[instance % devices.Length] : null;
}

/// <summary>Refuses versions among which there can be none to compare: what shall not serve before it is promoted would serve alone.</summary>
internal sealed class ComparedVersionsAreLoaded : IValidateOptions<ServingOptions>
{
    public ValidateOptionsResult Validate(string? name, ServingOptions options) =>
        options.Shadow > 0 && (options.IsLatest || !options.Wants(options.Shadow) || options.ListedVersions() is [_])
        ? ValidateOptionsResult.Fail($"Models:Versions is {options.Versions}, and Shadow compares version {options.Shadow} with another one: list both versions, or load all.")
        : ValidateOptionsResult.Success;
}

[OptionsValidator]
internal sealed partial class ServingOptionsValidator : IValidateOptions<ServingOptions>;
