using System.Globalization;
using System.Text;
using FlowRows;
using FlowService.OpenInference.Grpc.Protocol;
using Grpc.Core;

namespace FlowService.OpenInference.Grpc;

/// <summary>Calls of methods that are not served: UNIMPLEMENTED, with what there is instead, which clients show and fall back on.</summary>
internal static class UnservedCalls
{
    private const string MediaType = "application/grpc";

    private static readonly string Methods = string.Join(", ", GRPCInferenceService.Descriptor.Methods.Select(method => method.Name));

    /// <summary>Whether a request is a gRPC call.</summary>
    public static bool IsFormOf(HttpRequest request) => request.ContentType?.StartsWith(MediaType, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Refuses a call of a method that there is not.</summary>
    public static void Refuse(HttpContext http) => Refuse(http, StatusCode.Unimplemented,
        $"{http.Request.Path.Value?.Shown()} is not served; the methods of {InferenceService.Name} are {Methods}");

    /// <summary>Answers by headers alone, as the protocol has it where there is no message.</summary>
    public static void Refuse(HttpContext http, StatusCode code, string words)
    {
        HttpResponse response = http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = MediaType;
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Encoded(words);
    }

    // The protocol's own encoding: bytes that are not printable ASCII, and the sign of the encoding itself.
    private static string Encoded(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                encoded.Append((char)b);
            else
                encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        return encoded.ToString();
    }
}
