using System.Text.RegularExpressions;

namespace FlowCli.Tests.Delivery;

/// <summary>What the documents name is there.</summary>
public sealed partial class ContributingTests
{
    [Fact]
    public void Every_file_that_the_guide_names_exists()
    {
        string[] named = [.. Path().Matches(File.ReadAllText(Clone.At("CONTRIBUTING.md"))).Select(match => match.Groups[1].Value).Distinct()];

        Assert.InRange(named.Length, 20, 100);
        Assert.All(named, path => Assert.True(File.Exists(Clone.At(path)) || Directory.Exists(Clone.At(path)), $"CONTRIBUTING.md names {path}"));
    }

    [Fact]
    public void Every_link_of_the_documents_leads_somewhere()
    {
        string[] documents = [.. Directory.GetFiles(Clone.Folder, "*.md"), .. Directory.GetFiles(Clone.At("docs"), "*.md")];

        foreach (string document in documents)
            foreach (Match link in Link().Matches(File.ReadAllText(document)))
            {
                string target = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(document)!, link.Groups[1].Value.Split('#')[0]);
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{document}: {link.Value}");
            }
    }

    [GeneratedRegex(@"`((?:src|tests|docs|clients|build|\.ci)/[\w./-]+|[\w.]+\.props)`")]
    private static partial Regex Path();

    [GeneratedRegex(@"\]\((?!https?:)([^)]+)\)")]
    private static partial Regex Link();
}
