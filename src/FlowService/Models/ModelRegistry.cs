using System.Collections.Frozen;
using FlowService.Errors;

namespace FlowService.Models;

/// <summary>The models that are served now: an immutable snapshot, swapped as a whole. A request looks up once.</summary>
internal sealed class ModelRegistry
{
    private const int MostNamesShown = 10;
    private static readonly FrozenDictionary<string, ModelVersion[]> Nothing = FrozenDictionary<string, ModelVersion[]>.Empty;

    // Each model's versions, the highest first.
    private FrozenDictionary<string, ModelVersion[]> models = Nothing;

    /// <summary>Every model by name, with its versions, the highest first.</summary>
    public IEnumerable<KeyValuePair<string, ModelVersion[]>> Models =>
        Volatile.Read(ref models).OrderBy(model => model.Key, StringComparer.Ordinal);

    /// <summary>Adds a version, or replaces it.</summary>
    public void Publish(ModelVersion version)
    {
        FrozenDictionary<string, ModelVersion[]> before, after;
        do
        {
            before = Volatile.Read(ref models);
            ModelVersion[] others = before.TryGetValue(version.Name, out ModelVersion[]? known) ? known : [];
            ModelVersion[] versions = [.. others.Where(other => other.Version != version.Version).Append(version).OrderByDescending(each => each.Version)];
            after = before.Where(model => model.Key != version.Name).Append(new(version.Name, versions)).ToFrozenDictionary(StringComparer.Ordinal);
        }
        while (Interlocked.CompareExchange(ref models, after, before) != before);
    }

    /// <summary>Forgets all models, and returns those that served.</summary>
    public IEnumerable<ServedModel> Close() =>
        Interlocked.Exchange(ref models, Nothing).Values.SelectMany(versions => versions).Select(version => version.Served).OfType<ServedModel>();

    /// <summary>The model that serves a request: the only one where it names none, the highest ready version where it names none.</summary>
    /// <exception cref="RequestException">404 unknown, 422 not named, 503 failed to load.</exception>
    public ServedModel Find(string? name, int? version)
    {
        ModelVersion found = Get(name, version);
        return found.Served ?? throw (found.State == ModelState.Failed
            ? new RequestException(ProblemKind.ModelFailed, $"model '{found.Name}' version {found.Version} could not be loaded: {found.Reason}")
            : new RequestException(ProblemKind.NotReady, $"model '{found.Name}' version {found.Version} is still loading") { RetryAfter = 1 });
    }

    /// <summary>The version of a model, whatever its state.</summary>
    public ModelVersion Get(string? name, int? version)
    {
        ModelVersion[] versions = Versions(name);
        if (version is null)
            return Array.Find(versions, each => each.State == ModelState.Ready) ?? versions[0];
        return Array.Find(versions, each => each.Version == version) ?? throw new RequestException(ProblemKind.UnknownVersion,
            $"model '{versions[0].Name}' has no version {version}; it has {string.Join(", ", versions.Select(each => each.Version))}")
        { Field = "version" };
    }

    /// <summary>All versions of a model, the highest first.</summary>
    public ModelVersion[] Versions(string? name)
    {
        FrozenDictionary<string, ModelVersion[]> snapshot = Volatile.Read(ref models);
        if (name is null)
            return snapshot.Count == 1
                ? snapshot.Values[0]
                : throw new RequestException(ProblemKind.MissingField, $"model is missing; {Loaded(snapshot)}") { Field = "model" };
        return snapshot.TryGetValue(name, out ModelVersion[]? versions)
            ? versions
            : throw new RequestException(ProblemKind.UnknownModel, $"there is no model '{name.Shown()}'; {Loaded(snapshot)}") { Field = "model" };
    }

    private static string Loaded(FrozenDictionary<string, ModelVersion[]> snapshot) => snapshot.Count == 0
        ? "no model is loaded"
        : $"the models are {string.Join(", ", snapshot.Keys.Order(StringComparer.Ordinal).Take(MostNamesShown))}{(snapshot.Count > MostNamesShown ? ", ..." : "")} (GET /models lists them)";
}
