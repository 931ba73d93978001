using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.OpenInference.Rest;

internal static class StatisticsEndpoints
{
    public static void MapStatistics(this RouteGroupBuilder group)
    {
        group.MapGet("/models/stats", All).Describe<StatsList>("allStatistics", "The statistics of all models", "As for one model.", 503);
        group.MapVersioned(HttpMethods.Get, "/stats", Of).Describe<StatsList>("modelStatistics", "A model's statistics",
            "Rows, batches and times since each version was loaded, in Triton's form. A reload begins anew.", 400, 404, 503);
    }

    private static JsonHttpResult<StatsList> All(ModelFaces faces) => JsonBody.Of(List(faces.Served));

    private static JsonHttpResult<StatsList> Of(string name, HttpContext http, ModelFaces faces) =>
        JsonBody.Of(List(faces.ServedAs(name, FaceEndpoints.VersionOf(http))));

    private static StatsList List(IEnumerable<ModelFace> faces) => new([.. faces.Select(ModelStats.Of)]);
}
