using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FlowService.Tests.Hostile;

/// <summary>A connection whose bytes are written by hand, and read until their end.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpClient tcp = new();

    public RawConnection(Uri address)
    {
        tcp.Connect(address.Host, address.Port);
        Stream = tcp.GetStream();
    }

    private NetworkStream Stream { get; }

    /// <summary>One request, and all bytes until the service closes the connection.</summary>
    public static async Task<string> AskAsync(Uri address, string head, byte[] body, bool isHalfClosed = false)
    {
        using var connection = new RawConnection(address);
        await connection.SendAsync(Encoding.Latin1.GetBytes(head));
        await connection.SendAsync(body);
        if (isHalfClosed)
            connection.tcp.Client.Shutdown(SocketShutdown.Send);
        return Encoding.Latin1.GetString(await connection.ReadToEndAsync());
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await Stream.WriteAsync(bytes);

    /// <summary>Sends a chunk of a body.</summary>
    public async Task SendChunkAsync(ReadOnlyMemory<byte> bytes)
    {
        await SendAsync(Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
        await SendAsync(bytes);
        await SendAsync("\r\n"u8.ToArray());
    }

    /// <summary>What comes until the end of the connection, however it ends.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        using var all = new MemoryStream();
        byte[] piece = new byte[1 << 16];
        try
        {
            for (int got = -1; got != 0;)
            {
                got = await Stream.ReadAsync(piece, patience.Token);
                all.Write(piece.AsSpan(0, got));
            }
        }
        catch (IOException)
        {
            // The connection was reset.
        }
        return all.ToArray();
    }

    public void Dispose() => tcp.Dispose();
}
