using Xunit.Sdk;

namespace FlowService.Tests.Support;

public sealed class InstalledTests
{
    [Fact]
    public void A_test_without_its_program_is_skipped_and_says_what_and_why()
    {
        string said = "";
        try // Assert.Throws would let it through, and this test be skipped
        {
            Installed.Find("nginx", "a rolling restart", "nginx-light", "/none/nginx", "/nowhere/nginx");
        }
        catch (SkipException skipped)
        {
            said = skipped.Message;
        }

        Assert.EndsWith("nginx is not installed here, so a rolling restart is not tested (Debian: apt-get install nginx-light)", said, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_place_that_holds_the_program_is_taken() =>
        Assert.Equal("/bin/sh", Installed.Find("sh", "nothing", "dash", "/none/sh", "/bin/sh", "/usr/bin/sh"));
}
