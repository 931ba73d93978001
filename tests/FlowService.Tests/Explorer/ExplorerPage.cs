using Deque.AxeCore.Commons;
using FlowService.Tests.Support;
using FlowService.Tests.Swagger;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;

namespace FlowService.Tests.Explorer;

/// <summary>The explorer in a browser, as somebody sees it who has opened it.</summary>
internal sealed class ExplorerPage : IDisposable
{
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    private readonly TemporaryFolder profile = new();
    private readonly Uri service;
    private readonly ChromeDriver browser;
    private readonly WebDriverWait wait;

    /// <summary>Skips the test where there is no Chromium.</summary>
    public ExplorerPage(Uri service)
    {
        this.service = service;
        browser = Chromium.Start(profile.Path);
        wait = new WebDriverWait(browser, TimeSpan.FromMinutes(1)) { PollingInterval = TimeSpan.FromMilliseconds(50) };
        wait.IgnoreExceptionTypes(typeof(StaleElementReferenceException));
    }

    public string Address => browser.Url;

    /// <summary>Opens what a link leads to, like #/two-moons/density.</summary>
    public ExplorerPage Open(string link)
    {
        browser.Navigate().GoToUrl("about:blank"); // another fragment alone would load nothing anew
        browser.Navigate().GoToUrl(new Uri(service, $"/{link}"));
        return this;
    }

    public void Resize(int width) => Debug("Emulation.setDeviceMetricsOverride", ("width", width), ("height", 900), ("deviceScaleFactor", 1), ("mobile", false));

    public void SetTheme(string theme) =>
        Debug("Emulation.setEmulatedMedia", ("features", new object[] { new Dictionary<string, object> { ["name"] = "prefers-color-scheme", ["value"] = theme } }));

    /// <summary>The element, once it is there.</summary>
    public IWebElement Find(string selector) => wait.Until(page => page.FindElements(By.CssSelector(selector)).FirstOrDefault())!;

    public int Count(string selector) => browser.FindElements(By.CssSelector(selector)).Count;

    /// <summary>The button of this text, once it is there.</summary>
    public IWebElement Button(string text) => wait.Until(page => page.FindElements(By.XPath($"//button[normalize-space()='{text}']")).FirstOrDefault())!;

    public void WaitFor(string text) => wait.Until(_ => Text.Contains(text, StringComparison.Ordinal));

    public void WaitFor(Func<bool> condition) => wait.Until(_ => condition());

    public string Text => (string)browser.ExecuteScript("return document.body.innerText")!;

    /// <summary>Waits until every picture is drawn, and no place is held for one that is to come.</summary>
    public ExplorerPage WaitUntilDrawn()
    {
        wait.Until(_ => (bool)browser.ExecuteScript("""
            const pictures = [...document.querySelectorAll('main canvas, main .chart')];
            return document.querySelector('main .panel, main .card') !== null && document.querySelector('main .space, main [aria-busy]') === null
                && pictures.every(each => each.dataset.drawn > 0 || each.closest('.chart') !== null);
            """)!);
        return this;
    }

    /// <summary>Puts a value into a slider, as a hand that moves it.</summary>
    public void Slide(string label, double value) => browser.ExecuteScript("""
        const label = [...document.querySelectorAll('.slider label')].find(each => each.textContent === arguments[0]);
        const input = document.getElementById(label.htmlFor);
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, arguments[1]);
        input.dispatchEvent(new Event('input', { bubbles: true }));
        """, label, value);

    public object? Evaluate(string script, params object[] arguments) => browser.ExecuteScript(script, arguments);

    /// <summary>How far the page is wider than its window.</summary>
    public long Overflow => (long)browser.ExecuteScript("return document.documentElement.scrollWidth - window.innerWidth")!;

    /// <summary>What the console says of errors, and of what the policy refused.</summary>
    public string[] Errors() => [.. browser.Manage().Logs.GetLog(LogType.Browser).Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Message)];

    /// <summary>What axe-core finds that is serious or worse.</summary>
    public string[] Barriers()
    {
        // By the debugger, which the page's policy does not bind: axe is the test's, and no part of the page.
        object? answer = Debug("Runtime.evaluate", ("awaitPromise", true), ("returnByValue", true), ("expression", $$"""
            {{Axe}};
            axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations.filter(each => ['serious', 'critical'].includes(each.impact))
                .map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ') + ' ' + node.failureSummary).join(' | ')).join('\n'))
            """));
        var found = (string)((Dictionary<string, object>)((Dictionary<string, object>)answer!)["result"])["value"];
        return found.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private object? Debug(string command, params (string Name, object Value)[] arguments) =>
        browser.ExecuteCdpCommand(command, arguments.ToDictionary(each => each.Name, each => (object?)each.Value));

    public void Dispose()
    {
        browser.Dispose();
        profile.Dispose();
    }
}
