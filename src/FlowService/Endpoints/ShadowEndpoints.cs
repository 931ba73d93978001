using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Security;
using FlowService.Shadow;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.Endpoints;

/// <summary>How two versions of a model compare on the rows that were asked about.</summary>
/// <param name="Name">The model.</param>
/// <param name="Shadow">The version that is compared.</param>
/// <param name="Other">The one that it is compared with.</param>
/// <param name="Serving">The one of them that serves where a request names none.</param>
/// <param name="Rows">The rows that both scored, since the comparison began: with a load, or when another version began to serve.</param>
/// <param name="Dropped">Rows that were not compared, since there was too much to do.</param>
/// <param name="Difference">Mean log density of the compared version minus that of the other, in nats; each row counts for at most 3.</param>
/// <param name="Low">The lower end of its interval, which is right at all times together with probability 0.99.</param>
/// <param name="High">The upper end.</param>
/// <param name="Lasting">Whether the same version serves after a restart: false where that could not be written down.</param>
/// <param name="Verdict">better, worse or undecided: what the interval says of the compared version; incomparable where the two take different rows.</param>
internal sealed record ShadowAnswer(string Name, int Shadow, int Other, int Serving, long Rows, long Dropped, double Difference, double Low, double High, bool Lasting, string Verdict);

internal static class ShadowEndpoints
{
    public static void MapShadow(this RouteGroupBuilder group)
    {
        group.MapGet("/models/{name}/shadow", Get)
            .WithName("getShadow")
            .WithTags("Models")
            .WithSummary("Which of two versions is the better one?")
            .WithDescription("With `Models:Overrides:NAME:Shadow` a share of the rows is scored by two versions: the mean difference of their log densities, with an interval that holds however often it is looked at.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 404, 503);
        group.MapPost("/models/{name}/promote", Promote)
            .WithName("promoteModel")
            .For(Scopes.Admin)
            .AddEndpointFilter(new NoOtherArguments())
            .WithTags("Models")
            .WithSummary("Let the compared version serve")
            .WithDescription("For administrators. From now on the version of `Models:Overrides:NAME:Shadow` serves where a request names none, until it is rolled back; `lasting` says whether that outlasts a restart.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 401, 403, 404, 422, 503);
        group.MapPost("/models/{name}/rollback", Rollback)
            .WithName("rollBackModel")
            .For(Scopes.Admin)
            .AddEndpointFilter(new NoOtherArguments())
            .WithTags("Models")
            .WithSummary("Let the other version serve again")
            .WithDescription("For administrators. Takes a promotion back.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 401, 403, 404, 422, 503);
    }

    private static Ok<ShadowAnswer> Get(string name, ShadowJudge judge) => TypedResults.Ok(Answer(name, judge));

    private static Ok<ShadowAnswer> Promote(string name, ShadowJudge judge)
    {
        judge.Serve(name, promoted: true);
        return TypedResults.Ok(Answer(name, judge));
    }

    private static Ok<ShadowAnswer> Rollback(string name, ShadowJudge judge)
    {
        judge.Serve(name, promoted: false);
        return TypedResults.Ok(Answer(name, judge));
    }

    private static ShadowAnswer Answer(string name, ShadowJudge judge)
    {
        (ServedModel candidate, ServedModel other, ShadowState state) = judge.Of(name);
        return new(name, candidate.Version, other.Version, (state.IsServing ? candidate : other).Version, state.Rows, state.Dropped, state.Mean, state.Low, state.High, state.IsLasting,
            !candidate.Spec.SharesRowsWith(other.Spec) ? "incomparable" : state.Low > 0 ? "better" : state.High < 0 ? "worse" : "undecided");
    }
}
