using FlowService.Tests.Support;

namespace FlowService.Tests.Explorer;

/// <summary>What the page is for: a file goes in, and the odd row comes out first, with the reason.</summary>
public sealed class OddRowTests(ExplorerService service) : IClassFixture<ExplorerService>, IDisposable
{
    private readonly ExplorerPage page = new(service.Address);
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        page.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void The_odd_row_of_a_file_stands_first_with_the_reason_and_the_expected_value()
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Find("input[type=file]").SendKeys(Written("rows.csv", "id,x,y\na,0,1\nb,0.05,0.98\nc,3,3\nd,1,-0.5\n"));

        page.WaitFor("Why id c is odd");
        page.WaitFor("the rest of the row suggests about");
        Assert.Contains("odd, p =", page.Find(".found").Text, StringComparison.Ordinal);
        Assert.StartsWith("id c", page.Find(".found").Text, StringComparison.Ordinal);
        Assert.Contains("One row is odd", page.Text, StringComparison.Ordinal);
        Assert.Matches("(x|y) is 3; the rest of the row suggests", page.Find(".reasons, .found").Text);
    }

    [Fact]
    public void Putting_in_the_expected_value_makes_the_example_ordinary_again()
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Button("Try it with an example").Click();
        page.WaitFor("is odd");
        page.Find(".reasons button");
        page.WaitFor(() => page.Count(".now b") > 0);

        page.Evaluate("[...document.querySelectorAll('button')].find(each => each.textContent.startsWith('Put in')).click()");

        page.WaitFor(() => page.Find(".now").Text.EndsWith("ordinary", StringComparison.Ordinal));
    }

    [Fact]
    public void The_share_that_may_be_called_odd_belongs_to_the_reader()
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Find("input[type=file]").SendKeys(Written("rows.csv", "id,x,y\na,0,1\nb,0.05,0.98\nc,3,3\nd,0.5,0.25\n"));
        page.WaitFor("odd, p =");

        page.Slide("Call a row odd where at most this share of ordinary rows is as strange", -4);

        page.WaitFor("No row is odd");
        page.WaitFor(() => page.Address.Contains("alpha=0.0001", StringComparison.Ordinal));
    }

    [Fact]
    public void A_row_that_cannot_be_read_says_why_and_the_others_are_scored()
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Find("input[type=file]").SendKeys(Written("rows.csv", "id,x,y\na,0,1\nb,,0.98\nc,3,3\n"));

        page.WaitFor("1 row could not be read");
        page.WaitFor("Why id c is odd");
    }

    [Theory]
    [InlineData("id,x\na,0\n", "'y'")]
    [InlineData("", "empty")]
    public void A_file_that_does_not_fit_is_refused_in_the_service_s_words(string content, string expected)
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Find("input[type=file]").SendKeys(Written("bad.csv", content));

        page.WaitFor(() => page.Find(".fault").Text.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_without_a_calibration_orders_rows_by_their_density()
    {
        page.Open($"#/{ExplorerService.Wide}/rows");
        string header = string.Join(',', Enumerable.Range(0, 30).Select(i => $"x_{i}")), usual = string.Join(',', Enumerable.Repeat("0.1", 30)), far = string.Join(',', Enumerable.Repeat("40", 30));
        page.Find("input[type=file]").SendKeys(Written("rows.csv", $"id,{header}\na,{usual}\nb,{far}\n"));

        page.WaitFor("The least likely rows");
        page.WaitFor(() => page.Find(".found").Text.StartsWith("id b", StringComparison.Ordinal));
    }

    [Fact]
    public void The_scored_file_is_that_of_the_service()
    {
        page.Open($"#/{ExplorerService.Plane}/rows");
        page.Find("input[type=file]").SendKeys(Written("rows.csv", "id,x,y\na,0,1\nc,3,3\n"));
        page.WaitFor("odd, p =");
        page.Evaluate("""
            const own = URL.createObjectURL;
            URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return own(blob); };
            """);

        page.Button("Download with scores").Click();

        page.WaitFor(() => page.Evaluate("return window.saved") is string);
        string saved = (string)page.Evaluate("return window.saved")!;
        Assert.StartsWith("id,x,y,log_prob,p_value,q_value,anomaly,reason_1", saved, StringComparison.Ordinal);
        Assert.Equal(3, saved.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private string Written(string name, string content)
    {
        string path = Path.Combine(folder.Path, name);
        File.WriteAllText(path, content);
        return path;
    }
}
