namespace FlowService.Tests.Support;

/// <summary>Programs that a test needs and that this machine may not have.</summary>
internal static class Installed
{
    /// <summary>The program's path; where there is none the test is skipped, and says what stays untested and how to get it.</summary>
    public static string Find(string program, string untested, string package, params string[] places)
    {
        string? found = Array.Find(places, File.Exists);
        Assert.SkipWhen(found is null, $"{program} is not installed here, so {untested} is not tested (Debian: apt-get install {package})");
        return found!;
    }
}
