using FlowService.Errors;

namespace FlowService.Wire;

/// <summary>The optional outputs that an operation offers, and those that a request asks for.</summary>
internal sealed class IncludeSet(params string[] offered)
{
    /// <summary>The names asked for; a name that is not offered is refused.</summary>
    public HashSet<string> Asked(RowRequest request, string model)
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in request.Include ?? [])
            if (offered.Contains(name, StringComparer.Ordinal))
                asked.Add(name);
            else
                throw new RequestException(ProblemKind.UnsupportedInclude,
                    $"include: '{name.Shown()}' is not available; model '{model}' offers {string.Join(", ", offered)} here")
                { Field = "include" };
        return asked;
    }
}
