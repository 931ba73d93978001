using System.Globalization;

namespace FlowService.Startup;

/// <summary>A setting's text against the type that it stands for, before anything binds it.</summary>
internal static class SettingValue
{
    /// <summary>What is wrong with a text, or null. How large a number may be, the settings' own checks say.</summary>
    public static string? Fault(string setting, Type type, string text)
    {
        if (Nullable.GetUnderlyingType(type) is { } some)
            return text.Length == 0 ? null : Fault(setting, some, text);
        string? expected = type.IsEnum ? Enum.TryParse(type, text, ignoreCase: true, out _) ? null : string.Join(", ", Enum.GetNames(type)) : Type.GetTypeCode(type) switch
        {
            _ when type == typeof(TimeSpan) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _) ? null : "a time, like 00:02:00",
            TypeCode.Boolean => bool.TryParse(text, out _) ? null : "true or false",
            TypeCode.Int32 => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : "a whole number (of 32 bits)",
            TypeCode.Int64 => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : "a whole number (of 64 bits)",
            TypeCode.Double => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? null : "a number",
            _ => null,
        };
        return expected is null ? null : $"{setting} must be {expected}; it is '{text}'.";
    }
}
