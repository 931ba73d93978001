using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using FlowCore;
using FlowService.OpenInference.Grpc;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace FlowService.Startup;

/// <summary>Why the service has not started, a line for each fault, with the setting that mends it.</summary>
internal static partial class StartFaults
{
    private static readonly string[] Files = ["Path", "KeyPath"];

    public static IEnumerable<string> Of(Exception exception, IConfiguration? configuration) => exception switch
    {
        OptionsValidationException settings => settings.Failures.Select(WithoutMember),
        AggregateException several => several.InnerExceptions.SelectMany(each => Of(each, configuration)),
        FlowException flow => [flow.Message],
        _ when configuration is not null && OfAddress(exception, configuration) is { } fault => [fault],
        _ when configuration is not null && OfCertificate(exception, configuration) is { } fault => [fault],
        _ when configuration is not null && OfFramework(exception, configuration) is { } fault => [fault],
        _ => [OneLine(exception)],
    };

    // The framework's binder names the place below the section that it binds.
    [GeneratedRegex("^Failed to convert configuration value '(?<text>.*)' at '(?<place>[^']+)' to type '(?<type>[^']+)'", RegexOptions.Singleline)]
    private static partial Regex Unbound { get; }

    private static string? OfFramework(Exception exception, IConfiguration configuration)
    {
        if (Unbound.Match(exception.Message) is not { Success: true } unbound || Type.GetType(unbound.Groups["type"].Value) is not { } type)
            return null;
        (string text, string place) = (unbound.Groups["text"].Value, unbound.Groups["place"].Value);
        string setting = configuration.AsEnumerable().FirstOrDefault(
            each => each.Value == text && $":{each.Key}".EndsWith($":{place}", StringComparison.OrdinalIgnoreCase)).Key ?? place;
        return SettingValue.Fault(setting, type, text);
    }

    // Generated validators begin with the member's name, and our words with the setting's.
    private static string WithoutMember(string failure) =>
        failure.Split(": ", 2) is [var member, var words] && words.Contains($":{member} ", StringComparison.Ordinal) ? words : failure;

    private static string? OfAddress(Exception exception, IConfiguration configuration)
    {
        int port = configuration.GetValue($"{GrpcOptions.Section}:{nameof(GrpcOptions.Port)}", new GrpcOptions().Port);
        string remedy = exception.Message.Contains($":{port}:", StringComparison.Ordinal) || exception.Message.Contains($":{port} ", StringComparison.Ordinal)
            ? $"choose another port for gRPC with --Grpc:Port (it is {port}; 0 for none)"
            : $"choose another address with --urls, like --urls http://localhost:8082 (it is {configuration[WebHostDefaults.ServerUrlsKey]})";
        return exception switch
        {
            IOException { InnerException: AddressInUseException } => $"{exception.Message.TrimEnd('.')}: {remedy}.",
            SocketException or IOException { InnerException: SocketException } => $"It cannot listen, {OneLine(exception).TrimEnd('.')}: {remedy}.",
            FormatException when exception.Message.StartsWith("Invalid url", StringComparison.Ordinal) => $"{OneLine(exception).TrimEnd('.')}: {remedy}.",
            ArgumentOutOfRangeException { ParamName: "port" } => $"A port lies in 0..65535: {remedy}.",
            _ => null,
        };
    }

    private static string? OfCertificate(Exception exception, IConfiguration configuration)
    {
        string[] settings = [.. configuration.AsEnumerable().Where(setting => setting.Value is not null && IsCertificateFile(setting.Key)).Select(setting => setting.Key)];
        if (Array.Find(settings, setting => !File.Exists(Path.Combine(AppContext.BaseDirectory, configuration[setting]!))) is { } missing)
            return $"{missing} is {configuration[missing]}, and there is no such file.";
        if (exception is CryptographicException)
            return $"The certificate of {string.Join(" or ", settings)} cannot be used: {OneLine(exception)}";
        if (exception is not InvalidOperationException || !exception.Message.Contains("HTTPS", StringComparison.Ordinal))
            return null;
        // Endpoints that are configured stand for all addresses.
        IConfigurationSection? endpoint = configuration.GetSection("Kestrel:Endpoints").GetChildren().FirstOrDefault(IsWithoutCertificate);
        string setting = endpoint is null ? "--urls" : $"{endpoint.Path}:Url";
        return $"There is no certificate for https ({endpoint?["Url"] ?? configuration[WebHostDefaults.ServerUrlsKey]}): "
            + $"name one with {(endpoint is null ? "Kestrel:Certificates:Default" : $"{endpoint.Path}:Certificate")}:Path and :Password, or choose an http address with {setting}.";
    }

    private static bool IsWithoutCertificate(IConfigurationSection endpoint) =>
        endpoint["Url"]?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) == true && !endpoint.GetSection("Certificate").Exists();

    private static bool IsCertificateFile(string setting) =>
        setting.StartsWith("Kestrel:", StringComparison.OrdinalIgnoreCase) && setting.Contains("Certificate", StringComparison.OrdinalIgnoreCase)
        && Array.Exists(Files, file => setting.EndsWith($":{file}", StringComparison.OrdinalIgnoreCase));

    // The outermost message says what was done, the innermost what went wrong with it.
    private static string OneLine(Exception exception)
    {
        Exception innermost = exception.GetBaseException();
        string text = innermost == exception ? exception.Message : $"{exception.Message.TrimEnd()} {innermost.Message}";
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
