using FlowService.Tests.Support;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;

namespace FlowService.Tests.Swagger;

/// <summary>A headless Chromium of this machine, with a fresh profile; nothing is downloaded.</summary>
internal static class Chromium
{
    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private static readonly string[] Drivers = ["/usr/bin/chromedriver", "/usr/lib/chromium/chromedriver", "/usr/lib/chromium-browser/chromedriver"];

    private static readonly string[] Switches =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,2000",
    ];

    /// <summary>Skips the test where there is no Chromium.</summary>
    public static ChromeDriver Start(string profile)
    {
        const string Untested = "what a browser shows";
        string browser = Installed.Find("Chromium", Untested, "chromium", Browsers), driver = Installed.Find("Chromium's driver", Untested, "chromium-driver", Drivers);
        var options = new ChromeOptions { BinaryLocation = browser };
        options.AddArguments(Switches);
        options.AddArgument($"--user-data-dir={profile}");
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        var service = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(driver), Path.GetFileName(driver));
        service.SuppressInitialDiagnosticInformation = true;
        return new ChromeDriver(service, options, TimeSpan.FromMinutes(2));
    }
}
