using System.Text.Json.Nodes;
using FlowService.Errors;

namespace FlowService.OpenApi;

/// <summary>What the answer of each error status looks like.</summary>
internal static class ProblemExamples
{
    /// <summary>An example for an error status, or null.</summary>
    public static JsonNode? Of(string status) => status switch
    {
        "400" => Problem(ProblemKind.InvalidJson, "Expected end of string, but instead reached end of data. (near byte 17 of the body)"),
        "401" => Problem(ProblemKind.Unauthorized, "this call needs a key with the scope admin: send it as Authorization: Bearer KEY"),
        "403" => Problem(ProblemKind.Forbidden, "this key does not open the call, which needs the scope admin"),
        "404" => Problem(ProblemKind.UnknownModel, "there is no model 'three-moons'; the models are breast-cancer, two-moons (GET /models lists them)", ("field", "model")),
        "406" => Problem(ProblemKind.NotAcceptable, "the answer is application/json, and the header Accept names only text/html"),
        "413" => Problem(ProblemKind.TooManyRows, "x has more than 100000 rows; send them in several requests, or raise Limits:RowsPerRequest", ("field", "x")),
        "415" => Problem(ProblemKind.UnsupportedMediaType, "the body is text/plain; send Content-Type: application/json (in UTF-8)"),
        "422" => Problem(ProblemKind.WrongWidth, "x: row 1 has 3 values, model 'two-moons' takes 2 in each row", ("field", "x"), ("row", 1)),
        "429" => Problem(ProblemKind.QueueFull, "262100 rows wait for model 'two-moons' already, and 100 more are too many (Batching:QueueRows); try again in 1 s"),
        "500" => Problem(ProblemKind.Internal, "an error of the service, not of the request; its log has the details under this trace_id", ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736")),
        "503" => Problem(ProblemKind.NotReady, "the service is not ready: loading two-moons version 1; GET /health/ready tells when it is"),
        "504" => Problem(ProblemKind.DeadlinePassed, "the answer was not ready in time; allow more time, send fewer rows, or try again when the service is less busy"),
        "507" => Problem(ProblemKind.NoSpace, "a temporary file cannot be written (No space left on device); free space in the folder for them, name another by TMPDIR, or send fewer rows at once"),
        _ => null,
    };

    private static JsonObject Problem(ProblemKind kind, string detail, params (string Name, JsonNode Value)[] more)
    {
        var problem = new JsonObject { ["type"] = kind.Type, ["title"] = kind.Title, ["status"] = kind.Status, ["detail"] = detail };
        foreach ((string name, JsonNode value) in more)
            problem[name] = value;
        return problem;
    }
}
