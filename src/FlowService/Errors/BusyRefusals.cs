using FlowService.Limits;

namespace FlowService.Errors;

/// <summary>The answer 429 for a full queue. An overloaded service spends its time on refusals: many take turns (<see cref="RefusalPace"/>).</summary>
internal sealed class BusyRefusals(ProblemHandler problems, RefusalPace pace)
{
    public async Task AnswerAsync(HttpContext http, RequestException refusal)
    {
        await pace.TurnAsync(refusal, http.RequestAborted);
        http.Response.Clear();
        await problems.TryHandleAsync(http, refusal, http.RequestAborted);
    }
}
