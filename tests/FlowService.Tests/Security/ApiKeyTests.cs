using System.Text;
using FlowService.Security;
using Microsoft.Extensions.Configuration;

namespace FlowService.Tests.Security;

/// <summary>What a key opens, as its file says it: never more than is written there.</summary>
public sealed class ApiKeyTests
{
    [Theory]
    [InlineData("""  "Models": ["m", "other"]  """, "infer", "m,other")]
    [InlineData("""  "Models": "m, other", "Scopes": ["metrics", "admin"]  """, "metrics, admin", "m,other")]
    [InlineData("""  "Models": null  """, "infer", null)]
    [InlineData("""  "Scopes": "infer"  """, "infer", null)]
    public void A_list_is_one_however_it_is_written(string said, string scopes, string? models)
    {
        (List<ApiKey> keys, List<string> faults) = Read(said);

        Assert.Empty(faults);
        Caller caller = Assert.Single(keys).Caller;
        Assert.True(ScopeWords.TryParse(scopes, out Scopes expected, out _));
        Assert.Equal((expected, models), (caller.Scopes, caller.Models is null ? null : string.Join(',', caller.Models)));
    }

    [Theory]
    [InlineData("""  "Models": ""  """, "Keys:k:Models must list models, for the key opens none; leave it out for all.")]
    [InlineData("""  "Models": " , "  """, "Keys:k:Models must list models, for the key opens none; leave it out for all.")]
    [InlineData("""  "Models": []  """, "Keys:k:Models must list models, for the key opens none; leave it out for all.")]
    [InlineData("""  "Models": [{ "name": "m" }]  """, "Keys:k:Models must list models, for the key opens none; leave it out for all.")]
    [InlineData("""  "Scopes": []  """, "Keys:k:Scopes must list some of infer, metrics, admin, for the key opens nothing; leave it out for infer.")]
    [InlineData("""  "Scopes": ["infer", "all"]  """, "Keys:k:Scopes must list some of infer, metrics, admin; 'all' is none of them.")]
    public void A_list_of_nothing_opens_nothing(string said, string words)
    {
        (List<ApiKey> keys, List<string> faults) = Read(said);

        Assert.Empty(keys);
        Assert.Equal(words, Assert.Single(faults));
    }

    private static (List<ApiKey> Keys, List<string> Faults) Read(string said)
    {
        var faults = new List<string>();
        using var file = new MemoryStream(Encoding.UTF8.GetBytes($$"""{"k": {"Hash": "{{KeyHash.Of("k")}}", {{said}} } }"""));
        return (ApiKey.Read(new ConfigurationBuilder().AddJsonStream(file).Build(), ApiKey.Section, faults), faults);
    }
}
