using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FlowBenchmarks.Serving;

/// <summary>
/// A client that costs little: one blocking socket, requests that were encoded beforehand, and answers of which only the status and
/// the end are looked for.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] buffer = new byte[1 << 16];

    public HttpConnection(int port) => socket.Connect(new IPEndPoint(IPAddress.Loopback, port));

    /// <summary>The seconds to wait before the next request, as the last answer says; 0 where it says nothing.</summary>
    public int RetryAfter { get; private set; }

    /// <summary>The bytes of a POST.</summary>
    public static byte[] Request(string path, string type, byte[] body) =>
        [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];

    /// <summary>Sends a request, and reads its answer to the end; the status.</summary>
    public int Ask(byte[] request)
    {
        for (int sent = 0; sent < request.Length;)
            sent += socket.Send(request.AsSpan(sent));
        int got = 0, head;
        while ((head = buffer.AsSpan(0, got).IndexOf("\r\n\r\n"u8)) < 0)
            got += Receive(got);
        string fields = Encoding.ASCII.GetString(buffer, 0, head);
        RetryAfter = NumberOf("retry-after:", fields) ?? 0;
        int end = NumberOf("content-length:", fields) is { } length ? head + 4 + length : -1;
        while (end >= 0 ? got < end : !buffer.AsSpan(0, got).EndsWith("\r\n0\r\n\r\n"u8))
            got += Receive(got);
        return int.Parse(fields.AsSpan(9, 3), CultureInfo.InvariantCulture);
    }

    public void Dispose() => socket.Dispose();

    private int Receive(int got)
    {
        if (got == buffer.Length)
            Array.Resize(ref buffer, 2 * got);
        int received = socket.Receive(buffer, got, buffer.Length - got, SocketFlags.None);
        return received > 0 ? received : throw new IOException("the server has closed the connection");
    }

    private static int? NumberOf(string name, string fields)
    {
        int at = fields.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return null;
        ReadOnlySpan<char> rest = fields.AsSpan(at + name.Length);
        int end = rest.IndexOf('\r');
        return int.Parse(end < 0 ? rest : rest[..end], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
    }
}
