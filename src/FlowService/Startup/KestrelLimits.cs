using System.ComponentModel;
using System.Reflection;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FlowService.Startup;

/// <summary>The section <c>Kestrel:Limits</c>, whose names and values are the framework's, which would tell of a fault in its own words.</summary>
internal static class KestrelLimits
{
    private const string Section = "Kestrel:Limits:";

    /// <summary>What is wrong with the text of a setting of the section, or null.</summary>
    public static string? Fault(string setting, string? text)
    {
        if (text is null || !setting.StartsWith(Section, StringComparison.OrdinalIgnoreCase))
            return null;
        object? limits = new KestrelServerLimits();
        string[] path = setting[Section.Length..].Split(':');
        foreach (string name in path[..^1])
            limits = Of(limits, name)?.GetValue(limits);
        return limits is not null && Of(limits, path[^1]) is { CanWrite: true } limit
            ? SettingValue.Fault(setting, limit.PropertyType, text) ?? OutOfRange(setting, limit, limits, text) : null;
    }

    private static PropertyInfo? Of(object? limits, string name) =>
        limits?.GetType().GetProperty(name, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);

    private static string? OutOfRange(string setting, PropertyInfo limit, object limits, string text)
    {
        try
        {
            if (TypeDescriptor.GetConverter(limit.PropertyType) is { } converter && converter.CanConvertFrom(typeof(string)))
                limit.SetValue(limits, converter.ConvertFromInvariantString(text));
            return null;
        }
        catch (TargetInvocationException e) when (e.InnerException is ArgumentException range)
        {
            return $"{setting} is {text}, which is out of range: {range.Message.Split(" (Parameter", 2)[0].TrimEnd('.')}.";
        }
    }
}
