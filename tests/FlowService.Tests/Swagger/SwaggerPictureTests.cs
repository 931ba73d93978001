using FlowService.Tests.Golden;
using FlowService.Tests.Support;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;

namespace FlowService.Tests.Swagger;

/// <summary>The page shows the picture that an image model answers with.</summary>
[Collection(nameof(GoldenService))]
public sealed class SwaggerPictureTests(GoldenService service)
{
    [Fact]
    public void Sampled_digits_are_shown_as_a_picture()
    {
        using var profile = new TemporaryFolder();
        using ChromeDriver browser = Chromium.Start(profile.Path);
        var wait = new WebDriverWait(browser, TimeSpan.FromMinutes(1));
        browser.Navigate().GoToUrl(new Uri(service.Http.BaseAddress!, "/swagger"));
        IWebElement Find(string selector) => wait.Until(page => page.FindElements(By.CssSelector("#operations-Sampling-sample " + selector)).FirstOrDefault())!;

        Find(".opblock-summary-control").Click();
        Find(".try-out__btn").Click();
        IWebElement body = Find("textarea.body-param__text");
        body.SendKeys(Keys.Control + "a");
        body.SendKeys("""{"model": "normflows-glow_digits_cc", "count": 3, "seed": 1, "context": [0, 1]}""");
        Find(".response-control-media-type select option[value='image/png']").Click();
        Find("button.execute").Click();

        IWebElement picture = Find(".live-responses-table img");
        wait.Until(_ => picture.GetDomProperty("naturalWidth") != "0");
        Assert.Equal(("200", "134"), (picture.GetDomProperty("naturalWidth"), picture.GetDomProperty("naturalHeight")));
    }
}
