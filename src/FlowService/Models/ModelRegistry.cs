using System.Collections.Frozen;
using FlowRows;
using FlowService.Errors;

namespace FlowService.Models;

/// <summary>The models that are known now: an immutable snapshot, swapped as a whole. A request looks up once.</summary>
internal sealed class ModelRegistry
{
    private const int MostNamesShown = 10;
    private static readonly FrozenDictionary<string, ModelVersion[]> Nothing = FrozenDictionary<string, ModelVersion[]>.Empty;

    private readonly Lock writing = new();

    // Each model's versions, the highest first.
    private FrozenDictionary<string, ModelVersion[]> models = Nothing;
    private bool closed;

    /// <summary>The version of a model that is compared with another one, 0 for none; and whether it serves, or does not where another one can.</summary>
    public Func<ModelVersion[], (int Version, bool Serves)> Shadow { get; set; } = static _ => default;

    /// <summary>Every model by name, with its versions, the highest first.</summary>
    public IEnumerable<KeyValuePair<string, ModelVersion[]>> Models =>
        Volatile.Read(ref models).OrderBy(model => model.Key, StringComparer.Ordinal);

    /// <summary>Whether no model is known, whatever its state.</summary>
    public bool IsEmpty => Volatile.Read(ref models).Count == 0;

    /// <summary>The versions that serve.</summary>
    public IEnumerable<ServedModel> Served =>
        Volatile.Read(ref models).Values.SelectMany(versions => versions).Select(version => version.Served).OfType<ServedModel>();

    /// <summary>Adds a version, or replaces it; false once the registry is closed.</summary>
    public bool Publish(ModelVersion version)
    {
        lock (writing)
            if (!closed)
                Replace(version.Name, version.Version, version);
        return !closed;
    }

    /// <summary>Forgets a version, and returns what it was.</summary>
    public ModelVersion? Remove(string name, int version)
    {
        lock (writing)
        {
            ModelVersion? known = Known(name, version);
            if (known is not null)
                Replace(name, version, null);
            return known;
        }
    }

    /// <summary>Forgets all models for good, and returns those that served.</summary>
    public ServedModel[] Close()
    {
        lock (writing)
        {
            ServedModel[] served = [.. Served];
            (models, closed) = (Nothing, true);
            return served;
        }
    }

    /// <summary>The version of a model, whatever its state: where none is named, the promoted one, or the highest that serves or is loaded on demand, and is not in the shadow of another.</summary>
    public ModelVersion Get(string? name, int? version)
    {
        ModelVersion[] versions = Versions(name);
        if (version is null)
        {
            (int shadow, bool serves) = Shadow(versions);
            return Array.Find(versions, each => each.Serves && each.Version == shadow == serves) ?? Array.Find(versions, each => each.Serves) ?? versions[0];
        }
        return Array.Find(versions, each => each.Version == version) ?? throw new RequestException(ProblemKind.UnknownVersion,
            $"model '{versions[0].Name}' has no version {version}; it has {string.Join(", ", versions.Select(each => each.Version))}")
        { Field = "version" };
    }

    /// <summary>A version of a model, or null.</summary>
    public ModelVersion? Known(string name, int version) =>
        Volatile.Read(ref models).TryGetValue(name, out ModelVersion[]? versions) ? Array.Find(versions, each => each.Version == version) : null;

    /// <summary>Whether a model of this name is known, whatever its state.</summary>
    public bool Has(string name) => Volatile.Read(ref models).ContainsKey(name);

    /// <summary>All versions of a model, the highest first; none where it is not known.</summary>
    public ModelVersion[] KnownVersions(string name) => Volatile.Read(ref models).GetValueOrDefault(name) ?? [];

    /// <summary>All versions of a model, the highest first.</summary>
    /// <exception cref="RequestException">404: it is not known.</exception>
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

    private void Replace(string name, int version, ModelVersion? by)
    {
        ModelVersion[] others = models.TryGetValue(name, out ModelVersion[]? known) ? [.. known.Where(other => other.Version != version)] : [];
        ModelVersion[] versions = by is null ? others : [.. others.Append(by).OrderByDescending(each => each.Version)];
        var rest = models.Where(model => model.Key != name);
        Volatile.Write(ref models, (versions.Length > 0 ? rest.Append(new(name, versions)) : rest).ToFrozenDictionary(StringComparer.Ordinal));
    }

    private static string Loaded(FrozenDictionary<string, ModelVersion[]> snapshot) => snapshot.Count == 0
        ? "no model is loaded"
        : $"the models are {string.Join(", ", snapshot.Keys.Order(StringComparer.Ordinal).Take(MostNamesShown))}{(snapshot.Count > MostNamesShown ? ", ..." : "")} (GET /models lists them)";
}
