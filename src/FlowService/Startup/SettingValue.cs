using System.Globalization;

namespace FlowService.Startup;

/// <summary>A setting's text against the type that it stands for, before anything binds it.</summary>
internal static class SettingValue
{
    /// <summary>What is wrong with a text, or null. How large a number may be, the settings' own checks say.</summary>
    public static string? Fault(string setting, Type type, string text)
    {
        string? expected = type == typeof(LogLevel) ? Enum.TryParse<LogLevel>(text, ignoreCase: true, out _) ? null : string.Join(", ", Enum.GetNames<LogLevel>()) : Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => bool.TryParse(text, out _) ? null : "true or false",
            TypeCode.Int32 => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : "a whole number (of 32 bits)",
            TypeCode.Int64 => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : "a whole number (of 64 bits)",
            TypeCode.Double => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? null : "a number",
            _ => null,
        };
        return expected is null ? null : $"{setting} must be {expected}; it is '{text}'.";
    }
}
