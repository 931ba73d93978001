using System.Collections.Concurrent;
using FlowRows.Buffers;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Shadow;

/// <summary>
/// Scores a share of the rows that one version of a model has scored by another one, and keeps the difference. A request gives a copy of its rows away and goes on: the rest happens on
/// other threads, at bulk priority, and not at all where rows wait for either version, or so much of the time has been spent on it as may be.
/// </summary>
internal sealed class ShadowJudge
{
    private const int MostRows = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly IOptionsMonitor<ServingOptions> serving;
    private readonly ModelRegistry registry;
    private readonly Inference inference;
    private readonly RowPool pool;
    private readonly ILogger<ShadowJudge> logger;
    private readonly PromotionFiles files;
    private readonly TimeProvider time;
    private readonly Lock deciding = new(); // what serves, and the file that says so
    private readonly ConcurrentDictionary<string, ShadowComparison> comparisons = new(StringComparer.Ordinal);

    public ShadowJudge(
        IOptionsMonitor<ServingOptions> serving, ModelRegistry registry, Inference inference, RowPool pool, PromotionFiles files, TimeProvider time, ILogger<ShadowJudge> logger)
    {
        (this.serving, this.registry, this.inference, this.pool, this.files, this.time, this.logger) = (serving, registry, inference, pool, files, time, logger);
        registry.Shadow = Standing;
    }

    /// <summary>The models that are compared, and what their comparison has come to.</summary>
    public IEnumerable<(string Model, int Version, ShadowState State)> All => comparisons
        .Select(each => (each.Key, serving.Get(each.Key).Shadow, State(each.Key, each.Value))).Where(each => each.Shadow > 0);

    /// <summary>The version of a model that is compared with another one, while both are loaded; else null.</summary>
    public int? Compared(string name) => serving.Get(name).Shadow is > 0 and var shadow && Pair(registry.KnownVersions(name), shadow) is not null ? shadow : null;

    /// <summary>The pair of versions of a model, and what their comparison has come to.</summary>
    /// <exception cref="RequestException">404: the model, or one of the versions, is not served, or none is to be compared.</exception>
    public (ServedModel Candidate, ServedModel Other, ShadowState State) Of(string name)
    {
        ModelVersion[] versions = registry.Versions(name);
        int shadow = serving.Get(name).Shadow;
        if (shadow == 0)
            throw new RequestException(ProblemKind.UnknownVersion, $"no version of model '{versions[0].Name}' is compared: set {ModelOverrides.Section}:{versions[0].Name}:Shadow to its number");
        return Pair(versions, shadow) is { } pair ? (pair.Candidate, pair.Other, State(name, Comparison(name))) : throw new RequestException(ProblemKind.UnknownVersion,
            $"model '{versions[0].Name}' version {shadow} (Shadow) and another one must both be loaded; GET /models/{versions[0].Name} says what is");
    }

    /// <summary>From now on the version of the setting serves where a request names none, or the other one; after a restart too, where the file can be written.</summary>
    public void Serve(string name, bool promoted, bool byItself = false)
    {
        (ServedModel candidate, ServedModel other, ShadowState state) = Of(name);
        lock (deciding)
        {
            ShadowComparison comparison = Comparison(name);
            var promotion = new Promotion(candidate.Version, promoted, byItself, other.Version);
            comparison.Serve(promotion);
            logger.Served(name, (promoted ? candidate : other).Version, byItself ? "by itself" : "as an administrator asked", state.Mean, state.Low, state.High, state.Rows);
            comparison.File = files.Write(name, promotion) ? promotion : Remembered(name);
        }
    }

    /// <summary>Does as the files say where they have changed: another replica that shares their folder has written them.</summary>
    public void ReadPromotions()
    {
        foreach ((string name, ShadowComparison comparison) in comparisons)
            lock (deciding)
            {
                if (files.Read(name) is not { } now || now == comparison.File || now.Version != serving.Get(name).Shadow)
                    continue;
                bool before = comparison.IsServing(registry.KnownVersions(name));
                comparison.Serve(now);
                if (comparison.IsServing(registry.KnownVersions(name)) is var serves && serves != before)
                    logger.ServedByFile(name, now.Version, serves ? "serves" : "serves no more");
                comparison.File = now;
            }
    }

    /// <summary>Takes some of the rows that a version has scored, to be scored by the other one. It returns at once.</summary>
    public void Offer(WorkItem work, RowBlock<float>? block = null)
    {
        try
        {
            Begin(work, block);
        }
        catch (Exception e)
        {
            logger.NotCompared(work.Model.Name, e.Message, e); // the request is answered all the same
        }
    }

    private void Begin(WorkItem work, RowBlock<float>? block)
    {
        ServedModel model = work.Model;
        ServingOptions options = serving.Get(model.Name);
        if (options.Shadow == 0 || options.ShadowShare <= 0 || options.ShadowTime <= 0
            || Pair(registry.KnownVersions(model.Name), options.Shadow) is not var (candidate, other) || (model != candidate && model != other))
            return;
        var sample = RowSample.Draw(work.Input.Count, options.ShadowShare, MostRows);
        if (sample.Count == 0)
            return;
        ServedModel second = model == candidate ? other : candidate;
        ShadowComparison comparison = Comparison(model.Name);
        if (model.Queue.Rows + second.Queue.Rows > 0 || !second.Spec.SharesRowsWith(model.Spec) || !comparison.Pace.TryBegin())
        {
            comparison.Drop(sample.Count);
            return;
        }
        bool isUnderWay = false;
        try
        {
            isUnderWay = TryStart(work, second, sample.Rows(block), model == candidate);
        }
        finally
        {
            if (!isUnderWay)
                comparison.Pace.End(options.ShadowTime);
        }
    }

    private (int, bool) Standing(ModelVersion[] versions) =>
        serving.Get(versions[0].Name).Shadow is > 0 and var shadow ? (shadow, Comparison(versions[0].Name).IsServing(versions)) : default;

    private ShadowState State(string name, ShadowComparison comparison) => comparison.State(comparison.IsServing(registry.KnownVersions(name)));

    private ShadowComparison Comparison(string name) => comparisons.TryGetValue(name, out ShadowComparison? known) ? known : Begun(name);

    private ShadowComparison Begun(string name) => comparisons.GetOrAdd(name, _ => new(Remembered(name), time));

    private Promotion? Remembered(string name) => files.Read(name) is { } remembered && remembered.Version == serving.Get(name).Shadow ? remembered : null;

    // The version of the setting, and the highest of the others: whichever of them serves.
    private static (ServedModel Candidate, ServedModel Other)? Pair(ModelVersion[] versions, int shadow) =>
        Array.Find(versions, each => each.Version == shadow)?.Served is { } candidate && Array.Find(versions, each => each.Version != shadow && each.Served is not null)?.Served is { } other
            ? (candidate, other) : null;

    private bool TryStart(WorkItem work, ServedModel second, int[] rows, bool isCandidate)
    {
        if (rows.Length == 0 || !second.TryLease())
        {
            Comparison(work.Model.Name).Drop(rows.Length);
            return false;
        }
        var lease = new ModelLease(second);
        try
        {
            (RowBuffer<float> values, RowBuffer<float> context, float[] logProb) = Copy(work, rows);
            ServedModel model = work.Model;
            _ = Task.Run(() => CompareAsync(model, lease, isCandidate, values, context, logProb));
            return true;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private (RowBuffer<float> Values, RowBuffer<float> Context, float[] LogProb) Copy(WorkItem work, int[] rows)
    {
        int width = work.Model.Width, contextWidth = work.Model.Spec.ContextWidth;
        RowBuffer<float> values = pool.Rent<float>(rows.Length * width), context = pool.Rent<float>(rows.Length * contextWidth);
        var logProb = new float[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            work.Input.CopyValues(rows[i], 1, width, values.Span[(i * width)..]);
            work.Input.CopyContext(rows[i], 1, contextWidth, context.Span[(i * contextWidth)..]);
            logProb[i] = work.Results.LogProb.Span[rows[i]];
        }
        return (values, context, logProb);
    }

    private async Task CompareAsync(ServedModel model, ModelLease lease, bool isCandidate, RowBuffer<float> values, RowBuffer<float> context, float[] logProb)
    {
        try
        {
            float[] seconds = await ScoreAsync(Comparison(model.Name).Pace, lease, values, context, logProb.Length);
            (long, long) loads = isCandidate ? (model.Load, lease.Model.Load) : (lease.Model.Load, model.Load);
            bool isServing = Comparison(model.Name).IsServing(registry.KnownVersions(model.Name));
            bool isDecided = Comparison(model.Name).Add(isCandidate ? logProb : seconds, isCandidate ? seconds : logProb, loads, isServing);
            if (isDecided && serving.Get(model.Name).Promote)
                Serve(model.Name, promoted: !isServing, byItself: true);
        }
        catch (RequestException)
        {
            Comparison(model.Name).Drop(logProb.Length); // full, unloaded or too late: nobody waits for it
        }
        catch (Exception e)
        {
            logger.NotCompared(model.Name, e.Message, e);
        }
    }

    private async Task<float[]> ScoreAsync(ComparisonPace pace, ModelLease lease, RowBuffer<float> values, RowBuffer<float> context, int count)
    {
        TimeSpan waited = TimeSpan.Zero;
        try
        {
            using ModelLease second = lease;
            using RowBuffer<float> x = values, conditions = context;
            using var rows = new WorkRows { Count = count, Values = x, Context = conditions.Length > 0 ? conditions : null };
            using var work = new WorkItem(second.Model, Operation.LogProb, rows, pool, keepsValues: false) { Priority = Priority.Bulk };
            try
            {
                await inference.ComputeAsync(work, Patience, CancellationToken.None);
            }
            finally
            {
                waited = Waited(work);
            }
            return work.Results.LogProb.Span.ToArray();
        }
        finally
        {
            pace.End(serving.Get(lease.Model.Name).ShadowTime, waited);
        }
    }

    // What was given up before it began has done nothing else.
    private TimeSpan Waited(WorkItem work) => work.Queued != 0 && work.Waiting == work.Input.Count ? time.GetElapsedTime(work.Queued) : work.Waited;
}
