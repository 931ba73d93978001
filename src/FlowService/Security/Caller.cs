using FlowRows;
using FlowService.Errors;

namespace FlowService.Security;

/// <summary>Who has called, and what it may do.</summary>
/// <param name="Name">Of the key, or the token's subject; for the log and the quota.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="Models">The models that it may ask; null for all.</param>
/// <param name="RowsPerMinute">Its quota; 0 for none.</param>
internal sealed record Caller(string Name, Scopes Scopes, string[]? Models, int RowsPerMinute)
{
    /// <summary>Refuses a model that is not the caller's. Where nobody needs a key, all models are everybody's.</summary>
    /// <exception cref="RequestException">403.</exception>
    public static void CheckModel(HttpContext http, string model)
    {
        if (http.Features.Get<Caller>() is { Models: { } models } && Array.IndexOf(models, model) < 0)
            throw new RequestException(ProblemKind.Forbidden, $"this key is not for model '{model.Shown()}'; it is for {string.Join(", ", models)}");
    }
}
