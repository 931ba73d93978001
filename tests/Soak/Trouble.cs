using System.Net;

namespace Soak;

/// <summary>What befalls a server from outside its requests: a reload, a file that is gone, a full disk, a clock that is set.</summary>
internal sealed class Trouble(SoakedService service, string model, bool reloads, Random random)
{
    private static readonly TimeSpan[] Jumps = [TimeSpan.FromHours(1), TimeSpan.FromDays(-1), TimeSpan.FromDays(400), TimeSpan.Zero];

    /// <summary>One trouble of those that this machine can make; a word for it.</summary>
    /// <exception cref="InvalidOperationException">The service does not take it as it should.</exception>
    public Task<string> OneAsync(HttpClient http) => random.Next(4) switch
    {
        0 when reloads => LoseAFileAsync(),
        1 when service.HasSmallDisk => FillTheDiskAsync(),
        2 when service.Clock is { } clock => JumpAsync(clock),
        _ when reloads => ReloadAsync(http),
        _ => Task.FromResult("moments without trouble"),
    };

    // Not the model: what cannot be read is another thing than what is not there.
    private async Task<string> LoseAFileAsync()
    {
        string weights = Path.Combine(model, "1", "weights.safetensors");
        File.Move(weights, weights + ".away");
        await Task.Delay(random.Next(100, 2500));
        File.Move(weights + ".away", weights);
        return "files lost for a while";
    }

    private async Task<string> FillTheDiskAsync()
    {
        string fill = Path.Combine(service.Temporary, "fill");
        try
        {
            await using var file = new FileStream(fill, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            for (byte[] block = new byte[1 << 16]; ;)
                await file.WriteAsync(block);
        }
        catch (IOException)
        {
            // It is full.
        }
        await Task.Delay(random.Next(100, 2500));
        File.Delete(fill);
        return "disks full for a while";
    }

    private async Task<string> JumpAsync(FakeClock clock)
    {
        clock.Set(Jumps[random.Next(Jumps.Length)]);
        await Task.Delay(random.Next(100, 2500));
        return "clocks set";
    }

    private static async Task<string> ReloadAsync(HttpClient http)
    {
        using HttpResponseMessage response = await http.PostAsync($"/models/{SoakedService.Model}/load", null);
        return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable
            ? "reloads"
            : throw new InvalidOperationException($"a reload was answered with {(int)response.StatusCode}");
    }
}
