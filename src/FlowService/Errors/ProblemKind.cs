using FlowRows;

namespace FlowService.Errors;

/// <summary>One kind of refusal: a type that clients may rely on, the status, and a title for people.</summary>
internal sealed record ProblemKind(string Slug, int Status, string Title)
{
    public static readonly ProblemKind
        BadRequest = new("bad-request", 400, "The request is malformed"),
        InvalidJson = new("invalid-json", 400, "The body is not JSON"),
        InvalidBody = new("invalid-body", 400, "The body is not what its media type says"),
        Unauthorized = new("unauthorized", 401, "The call needs a key"),
        Forbidden = new("forbidden", 403, "The key does not open the call"),
        ForeignOrigin = new("foreign-origin", 403, "A page of another origin made the call"),
        UnknownHost = new("unknown-host", 400, "The service is not known under this host name"),
        NotFound = new("not-found", 404, "There is nothing at this address"),
        UnknownModel = new("unknown-model", 404, "No such model"),
        UnknownVersion = new("unknown-version", 404, "No such version of the model"),
        MethodNotAllowed = new("method-not-allowed", 405, "The address does not take this method"),
        NotAcceptable = new("not-acceptable", 406, "No media type that the client accepts"),
        BodyTooLarge = new("body-too-large", 413, "The body is too large"),
        TooManyRows = new("too-many-rows", 413, "Too many rows in one request"),
        UnsupportedMediaType = new("unsupported-media-type", 415, "The body's media type is not understood"),
        UnknownField = new("unknown-field", 422, "A field of the request is unknown"),
        DuplicateField = new("duplicate-field", 422, "A field of the request is given twice"),
        MissingField = new("missing-field", 422, "A field of the request is missing"),
        InvalidArgument = new("invalid-argument", 422, "An argument is of the wrong type or out of range"),
        UnknownColumn = new("unknown-column", 422, "A column is unknown to the model"),
        MissingColumn = new("missing-column", 422, "A column that the model takes is missing"),
        UnsupportedInclude = new("unsupported-include", 422, "A value asked for by include is not available"),
        WrongWidth = new("wrong-width", 422, "A row has the wrong number of values"),
        InvalidValue = new("invalid-value", 422, "A value of a row is not a finite number"),
        UnseenCategory = new("unseen-category", 422, "A row has a category that the model was not trained with"),
        WrongContext = new("wrong-context", 422, "The context does not fit the model or the rows"),
        NotCalibrated = new("not-calibrated", 422, "The model has no calibration"),
        QueueFull = new("queue-full", 429, "The service is busy"),
        QuotaSpent = new("quota-spent", 429, "The key's quota is spent"),
        Internal = new("internal", 500, "The service failed to answer"),
        NotReady = new("not-ready", 503, "The service is not ready"),
        ModelFailed = new("model-failed", 503, "The model could not be loaded"),
        DeadlinePassed = new("deadline-passed", 504, "The deadline passed before the answer was computed"),
        NoSpace = new("no-space", 507, "The service has no room to lay the request aside");

    public string Type => "urn:flowservice:" + Slug;

    /// <summary>The kind of refusal that a fault in rows is.</summary>
    public static ProblemKind Of(RowFaultKind fault) => fault switch
    {
        RowFaultKind.InvalidJson => InvalidJson,
        RowFaultKind.InvalidValue => InvalidValue,
        RowFaultKind.WrongWidth => WrongWidth,
        RowFaultKind.MissingColumn => MissingColumn,
        RowFaultKind.UnknownColumn => UnknownColumn,
        RowFaultKind.UnseenCategory => UnseenCategory,
        RowFaultKind.WrongContext => WrongContext,
        RowFaultKind.InvalidArgument => InvalidArgument,
        RowFaultKind.UnsupportedInclude => UnsupportedInclude,
        RowFaultKind.NotCalibrated => NotCalibrated,
        RowFaultKind.NotAcceptable => NotAcceptable,
        RowFaultKind.TooManyRows => TooManyRows,
        RowFaultKind.TooLarge => BodyTooLarge,
        RowFaultKind.NoSpace => NoSpace,
        _ => InvalidBody,
    };

    /// <summary>The kind as the label of a metric.</summary>
    public string Word => Slug.Replace('-', '_');
}
