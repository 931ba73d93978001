using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>TLS by Kestrel's own settings, with certificates in files that change.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task A_certificate_is_served_and_a_new_one_in_its_file_takes_its_place_without_a_restart()
    {
        using TemporaryFolder repository = TestModels.Repository(), folder = new();
        int port = ServiceProcess.FreePort(), secure = ServiceProcess.FreePort();
        string certificate = Path.Combine(folder.Path, "tls.crt"), key = Path.Combine(folder.Path, "tls.key");
        string first = Write(certificate, key);
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, port, $"--Kestrel:Endpoints:Http:Url=http://127.0.0.1:{port}",
            $"--Kestrel:Endpoints:Https:Url=https://127.0.0.1:{secure}", $"--Kestrel:Endpoints:Https:Certificate:Path={certificate}", $"--Kestrel:Endpoints:Https:Certificate:KeyPath={key}");
        using var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => Print(shown!) == first } };
        using var http = new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{secure}"), DefaultRequestVersion = HttpVersion.Version20 };

        await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");

        string second = Write(certificate, key);
        Assert.NotEqual(first, second);
        await Eventually.TrueAsync(async () => await ShownAsync(secure) == second, "the new certificate is served");
    }

    private static async Task<string?> ShownAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            string? print = null;
            await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => (print = Print(shown!)) is not null);
            await tls.AuthenticateAsClientAsync("localhost");
            return print;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return null; // between the two
        }
    }

    private static string Write(string certificate, string key)
    {
        using var secret = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", secret, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(key, secret.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(certificate, made.ExportCertificatePem());
        return Print(made);
    }

    private static string Print(X509Certificate certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);
}
