using FlowService.Security;
using FlowService.Tests.Support;

namespace FlowService.Tests.Explorer;

/// <summary>The page while the service lives: models that come and go, keys, a service that is gone.</summary>
public sealed class ExplorerLifeTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task A_new_version_appears_while_the_page_is_open_and_an_unloaded_model_says_so()
    {
        TestModels.Write(repository.Path, TestModels.Spec("moons", 2));
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.1"));
        using HttpClient http = host.Http();
        using var page = new ExplorerPage(host.Address);
        page.Open("#/").WaitUntilDrawn();

        TestModels.Write(repository.Path, TestModels.Spec("moons", 2), version: 2);

        page.WaitFor("new version");
        page.Open("#/moons/density").WaitUntilDrawn();
        page.WaitFor("version 2");
        await http.AskAsync("/models/moons/unload?version=1", "");
        await http.AskAsync("/models/moons/unload?version=2", "");
        page.WaitFor("The model was unloaded");
    }

    [Fact]
    public async Task A_service_that_is_gone_is_said_and_what_was_seen_stays()
    {
        TestModels.Write(repository.Path, TestModels.Spec("moons", 2));
        ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using var page = new ExplorerPage(host.Address);
        page.Open("#/moons/density").WaitUntilDrawn();

        await host.DisposeAsync();

        page.WaitFor("The service does not answer");
        Assert.Equal(1, page.Count("canvas.plane"));
    }

    [Fact]
    public async Task Where_keys_are_needed_the_page_asks_for_one_and_keeps_it_out_of_the_address()
    {
        TestModels.Write(repository.Path, TestModels.Spec("moons", 2));
        const string Key = "flow_a-key-of-the-test";
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null,
            ("Keys:reader:Hash", KeyHash.Of(Key).ToString()), ("Keys:reader:Scopes", "infer"));
        using var page = new ExplorerPage(host.Address);
        page.Open("#/");
        page.WaitFor("This service asks for a key.");
        page.Find("#key").SendKeys("wrong");
        page.Button("Go on").Click();
        page.WaitFor("is not known here");
        page.Find("#key").Clear();
        page.Find("#key").SendKeys(Key);

        page.Button("Go on").Click();

        page.WaitFor("moons");
        page.WaitFor("Live figures need a key with the scope metrics.");
        page.Find(".card a").Click();
        page.WaitUntilDrawn();
        Assert.DoesNotContain(Key, page.Address, StringComparison.Ordinal);
        Assert.Equal(Key, page.Evaluate("return Object.values(sessionStorage)[0]"));
        Assert.DoesNotContain(Key, $"{page.Evaluate("return JSON.stringify(localStorage)")}", StringComparison.Ordinal);
    }
}
