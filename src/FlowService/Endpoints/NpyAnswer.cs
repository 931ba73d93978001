using System.Runtime.InteropServices;
using FlowRows.Npy;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>An answer that is one NumPy array.</summary>
internal static class NpyAnswer
{
    /// <summary>Answers with values in row-major order.</summary>
    public static async Task WriteAsync(HttpContext http, float[] values, params long[] shape)
    {
        byte[] header = NpyHeader.Write("'<f4'", shape);
        byte[] data = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        http.Response.ContentType = MediaTypes.Npy;
        http.Response.ContentLength = header.Length + data.Length;
        await http.Response.Body.WriteAsync(header, http.RequestAborted);
        await http.Response.Body.WriteAsync(data, http.RequestAborted);
    }
}
