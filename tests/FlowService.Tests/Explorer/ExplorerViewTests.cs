using FlowService.Tests.Support;
using OpenQA.Selenium;

namespace FlowService.Tests.Explorer;

/// <summary>Every view of every kind of model, in a browser.</summary>
public sealed class ExplorerViewTests(ExplorerService service) : IClassFixture<ExplorerService>, IDisposable
{
    private const int Phone = 375, Wide = 1440;

    private readonly ExplorerPage page = new(service.Address);

    public void Dispose() => page.Dispose();

    private static string[] Views =>
    [
        "#/", $"#/{ExplorerService.Plane}/density?at=0.5,0.25&lines=1&rows=1", $"#/{ExplorerService.Plane}/layers?depth=3&at=0.5,0.25", $"#/{ExplorerService.Plane}/rows?example=1", $"#/{ExplorerService.Plane}/about",
        $"#/{ExplorerService.Table}/rows?example=1", $"#/{ExplorerService.Table}/samples", $"#/{ExplorerService.Table}/about", $"#/{ExplorerService.Measured}/rows?example=1", $"#/{ExplorerService.Measured}/samples",
        $"#/{ExplorerService.Pictures}/images", $"#/{ExplorerService.Pictures}/images?class=3", $"#/{ExplorerService.Pictures}/about", $"#/{ExplorerService.Enlarging}/enlarge?row=1", $"#/{ExplorerService.Speaking}/speak",
        $"#/{ExplorerService.Conditional}/condition", $"#/{ExplorerService.Conditional}/rows?example=1", "#/patients/condition", "#/patients/rows?example=1", $"#/{ExplorerService.Wide}/samples",
        $"#/{ExplorerService.Wide}/today", $"#/{ExplorerService.Plane}/today",
    ];

    // In one browser: to start one takes longer than to look at a view.
    [Fact]
    public void Every_view_draws_without_errors_bars_nobody_and_fits_a_phone()
    {
        foreach (string link in Views)
        {
            page.Resize(Wide);
            page.SetTheme("light");
            page.Open(link);
            if (link.EndsWith("example=1", StringComparison.Ordinal))
                page.Find(".now b"); // the example is made, scored and explained
            page.WaitUntilDrawn();
            string[] barriers = page.Barriers();
            page.SetTheme("dark");
            barriers = [.. barriers, .. page.Barriers()];
            page.Resize(Phone);
            page.WaitUntilDrawn();

            Assert.Equal((link, ""), (link, string.Join('\n', barriers)));
            Assert.True(page.Overflow <= 0, $"{link} is wider than a phone by {page.Overflow}");
            Assert.Equal((link, 0), (link, page.Count(".fault")));
            Assert.Equal((link, ""), (link, string.Join('\n', page.Errors())));
            Assert.True(link == "#/" || page.Count(".snippets") > 0, $"{link} shows no calls");
        }
    }

    [Fact]
    public void The_list_shows_each_model_and_why_one_is_broken()
    {
        page.Open("#/").WaitUntilDrawn();

        page.WaitFor("breast-cancer");
        Assert.Equal(10, page.Count(".card"));
        Assert.Contains("flow.json", page.Find(".card.failed").Text, StringComparison.Ordinal);
        page.WaitFor(() => page.Find(".card.ready .live").Text.Contains("rows/s", StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_that_is_broken_unknown_or_not_calibrated_says_so_in_its_view()
    {
        page.Open($"#/{ExplorerService.Broken}");
        page.WaitFor("The model could not be loaded.");
        page.Open("#/nothing");
        page.WaitFor("There is no model 'nothing'");
        page.Open($"#/{ExplorerService.Wide}/rows");
        page.WaitFor("has no calibration");
    }

    [Fact]
    public void A_click_into_the_plane_asks_about_the_place_and_the_address_brings_it_back()
    {
        page.Open($"#/{ExplorerService.Plane}/density").WaitUntilDrawn();
        IWebElement plane = page.Find("canvas.plane");
        page.Evaluate("""
            const box = arguments[0].getBoundingClientRect();
            arguments[0].dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
            """, plane);
        page.WaitFor("p-value");
        string asked = page.Find(".point input").GetDomProperty("value")!;
        page.WaitFor(() => page.Address.Contains("at=", StringComparison.Ordinal));
        string link = page.Address;

        page.Open(link[link.IndexOf('#', StringComparison.Ordinal)..]).WaitUntilDrawn();

        page.WaitFor("p-value");
        Assert.Equal(asked, page.Find(".point input").GetDomProperty("value"));
    }

    [Fact]
    public void The_depth_moves_the_picture_without_asking_again()
    {
        page.Open($"#/{ExplorerService.Plane}/layers").WaitUntilDrawn();
        object before = page.Evaluate("return document.querySelector('canvas.plane').toDataURL()")!;
        object asked = page.Evaluate("return performance.getEntriesByType('resource').filter(each => each.name.includes('/layers')).length")!;

        page.Slide("Depth", 2);

        page.WaitFor("behind layer 2 of");
        page.WaitFor(() => !page.Evaluate("return document.querySelector('canvas.plane').toDataURL()")!.Equals(before));
        Assert.Equal(asked, page.Evaluate("return performance.getEntriesByType('resource').filter(each => each.name.includes('/layers')).length"));
    }

    [Fact]
    public void The_condition_moves_the_distribution()
    {
        page.Open($"#/{ExplorerService.Conditional}/condition").WaitUntilDrawn();
        string before = page.Find(".marginal .muted").Text;

        page.Slide("distance", 1.5);

        page.WaitFor(() => page.Find(".marginal .muted").Text != before);
        page.WaitFor(() => page.Address.Contains("context=", StringComparison.Ordinal));
    }

    [Fact]
    public void A_small_picture_of_the_data_or_of_ones_own_is_enlarged()
    {
        page.Open($"#/{ExplorerService.Enlarging}/enlarge").WaitUntilDrawn();
        page.WaitFor("Of row 1 of the data.");
        string before = page.Find(".figures dd").Text;

        page.Evaluate("document.querySelectorAll('.tile-button')[3].click()");

        page.WaitFor("Of row 4 of the data.");
        page.WaitFor(() => page.Address.Contains("row=3", StringComparison.Ordinal));
        page.WaitFor(() => page.Find(".figures dd").Text != before);

        using var folder = new TemporaryFolder();
        string own = Path.Combine(folder.Path, "own.png");
        File.Copy(Path.Combine(DemoModels.All, ExplorerService.Enlarging, "small.png"), own);
        page.Find("input[type=file]").SendKeys(own);
        page.WaitFor("Of own.png.");
        page.WaitUntilDrawn();
        Assert.Equal(0, page.Count(".fault"));
    }

    [Fact]
    public void A_sound_of_ones_own_is_spoken_and_can_be_heard()
    {
        page.Open($"#/{ExplorerService.Speaking}");
        page.WaitFor("nats a sample");

        page.Find("input[type=file]").SendKeys(Path.Combine(DemoModels.All, ExplorerService.Speaking, "held-out.wav"));

        page.WaitFor("Given: held-out.wav");
        page.WaitFor(() => page.Evaluate("return [...document.querySelectorAll('audio')].map(each => Math.round(each.duration)).join()")!.Equals("4,4"));
        Assert.Equal(0, page.Count(".fault"));

        using var folder = new TemporaryFolder();
        string none = Path.Combine(folder.Path, "none.wav");
        File.WriteAllText(none, "RIFF");
        page.Find("input[type=file]").SendKeys(none);
        page.WaitFor("no sound that this browser can read");
    }

    [Fact]
    public void A_picture_is_encoded_shown_under_each_class_and_led_to_another()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "mine.png"), noPicture = Path.Combine(folder.Path, "text.png");
        using (var bitmap = new SkiaSharp.SKBitmap(20, 20))
        using (FileStream target = File.Create(file))
        {
            bitmap.Erase(SkiaSharp.SKColors.White);
            bitmap.Encode(target, SkiaSharp.SKEncodedImageFormat.Png, 100);
        }
        File.WriteAllText(noPicture, "no picture");
        page.Open($"#/{ExplorerService.Pictures}/images").WaitUntilDrawn();

        page.Find("input[type=file]").SendKeys(file);

        page.WaitFor("This is mine.png");
        page.WaitFor(() => page.Count(".fault") == 0 && page.Text.Contains("From mine.png to", StringComparison.Ordinal));
        page.Find("input[type=file]").SendKeys(noPicture);
        page.WaitFor("This file is no picture");
    }

    [Fact]
    public async Task Rows_that_have_changed_and_the_better_version_are_seen_and_an_administrator_lets_it_serve()
    {
        using HttpClient http = service.Http();
        page.Open($"#/{ExplorerService.Measured}/today").WaitUntilDrawn();
        page.WaitFor("Nothing was scored yet");
        page.WaitFor("No row was scored by both versions yet");
        string rows = string.Join(',', Enumerable.Range(0, 16).Select(i => $"[{4 + i % 3},{i % 5 - 2},{i % 4 - 1.5},0,{i % 2}]"));

        for (int i = 0; i < 8; i++)
            await http.AskAsync("/logprob", $$"""{"model":"engines","x":[{{rows}}]}""");

        page.WaitFor("the last 128 rows");
        Assert.Contains("speed", page.Find(".shifts tbody tr").Text, StringComparison.Ordinal);
        Assert.True(page.Count(".shift.beyond") > 0);
        page.WaitFor("nats a row for version 2");
        page.WaitUntilDrawn();
        Assert.Equal("", string.Join('\n', page.Barriers()));

        page.Button("Let version 2 serve …").Click();
        page.Button("Let version 2 serve").Click();
        page.WaitFor("needs a key with the scope admin");
        page.Find("#key").SendKeys(ExplorerService.AdminKey);
        page.Button("Go on").Click();
        page.WaitFor(() => page.Count("dialog[open]") == 0);
        page.Button("Let version 2 serve …").Click();
        page.Button("Let version 2 serve").Click();

        page.Button("Let version 1 serve …");
        page.WaitFor("Serving\nversion 2");
    }

    [Fact]
    public void The_theme_is_kept()
    {
        page.Open("#/").WaitUntilDrawn();
        page.Find("button[aria-label='Switch to the dark theme']").Click();
        page.Open($"#/{ExplorerService.Plane}/density").WaitUntilDrawn();

        Assert.Equal("dark", page.Evaluate("return document.documentElement.dataset.theme"));
    }
}
