using FlowService.Tests.Support;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;

namespace FlowService.Tests.Swagger;

/// <summary>The page as a visitor uses it: every operation works by "Try it out" and "Execute", with the example as it stands.</summary>
public sealed class SwaggerPageTests
{
    [Fact]
    public async Task Every_operation_answers_200_when_its_example_is_executed()
    {
        // A service of its own: one of the operations unloads the example's model, another puts a second version in its place.
        using TemporaryFolder repository = TestModels.Repository(), profile = new TemporaryFolder();
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2), version: 2, calibrationRows: 400);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, settings: [($"Models:Overrides:{TestModels.Plain}:Shadow", "2")]);
        using ChromeDriver browser = Chromium.Start(profile.Path);
        var wait = new WebDriverWait(browser, TimeSpan.FromMinutes(1));
        browser.Navigate().GoToUrl(new Uri(host.Address, "/swagger"));
        wait.Until(page => page.FindElements(By.CssSelector(".opblock-summary")).Count >= 8);

        browser.ExecuteScript("window.ui.preauthorizeApiKey('key', arguments[0])", ServiceHost.AdminKey); // as by the button Authorize

        string[] addresses = [.. browser.FindElements(By.CssSelector(".opblock .opblock-summary-path")).Select(path => path.Text)];
        // What unloads the model comes last.
        foreach (int i in Enumerable.Range(0, addresses.Length).OrderBy(i => addresses[i].EndsWith("/unload", StringComparison.Ordinal)))
            Assert.Equal((addresses[i], "200"), (addresses[i], Execute(browser, wait, i)));
    }

    private static IWebElement Block(ChromeDriver browser, int index) => browser.FindElements(By.CssSelector(".opblock"))[index];

    private static string Execute(ChromeDriver browser, WebDriverWait wait, int index)
    {
        Click(browser, Block(browser, index).FindElement(By.CssSelector(".opblock-summary-control")));
        Click(browser, wait.Until(_ => Block(browser, index).FindElement(By.CssSelector(".try-out__btn"))));
        Click(browser, wait.Until(_ => Block(browser, index).FindElement(By.CssSelector("button.execute"))));
        IWebElement status = wait.Until(_ => Block(browser, index).FindElement(By.CssSelector(".live-responses-table tr.response .response-col_status")));
        string text = status.Text.Split('\n')[0].Trim();
        Assert.NotEmpty(Block(browser, index).FindElement(By.CssSelector(".opblock-summary-description")).Text);
        Click(browser, Block(browser, index).FindElement(By.CssSelector(".opblock-summary-control"))); // an open one slows the page down
        return text;
    }

    private static void Click(ChromeDriver browser, IWebElement element) => browser.ExecuteScript("arguments[0].scrollIntoView(); arguments[0].click();", element);
}
