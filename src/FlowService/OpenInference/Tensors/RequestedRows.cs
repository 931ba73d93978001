using FlowCore;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Faces;
using FlowService.Requests;

namespace FlowService.OpenInference.Tensors;

/// <summary>Tensors to the rows that a model computes.</summary>
internal static class RequestedRows
{
    /// <exception cref="RequestException">A tensor is not what the model takes; it and its place are named.</exception>
    public static WorkRows Of(InferRequest request, ModelFace face, LimitsOptions limits)
    {
        foreach (TensorSpec spec in face.Inputs)
            if (request.Input(spec.Name) is { } input)
            {
                TensorChecks.Check(input, spec);
                input.CheckFinite();
            }
        InputTensor? context = request.Input(ModelFace.Context);
        return face.Kind == FaceKind.Sample
            ? Samples(request, face, context, limits)
            : Rows(request, face, context, limits);
    }

    private static WorkRows Rows(InferRequest request, ModelFace face, InputTensor? context, LimitsOptions limits)
    {
        InputTensor input = request.Input(face.Inputs[0].Name)!;
        int rows = input.Values!.Length / face.Model.Width;
        if (rows == 0)
            throw new RequestException(ProblemKind.InvalidArgument, $"{input.ShownName} holds no rows; send at least one");
        if (rows > limits.RowsPerRequest)
            throw new RequestException(ProblemKind.TooManyRows,
                $"{input.ShownName} has more than {limits.RowsPerRequest} rows; send them in several requests, or raise Limits:RowsPerRequest");
        if (context is null && DerivedContext.Of(face.Model.Spec, input.Name!) is { } sampling)
            request.Inputs.Add(context = SmallImages(input, sampling, rows * face.Model.Spec.ContextWidth));
        ContextRows<float> condition = ContextRows<float>.Of(context?.Values, face.Model.Spec, face.Model.Name, rows);
        return new() { Count = rows, Values = input.Values, Context = condition.Values, RowsPerContext = condition.RowsPerContext(rows) };
    }

    // The request owns its buffer.
    private static InputTensor SmallImages(InputTensor images, DownSampling sampling, int length)
    {
        InputTensor means = images.Beside(ModelFace.Context);
        sampling.Means<float>(images.Values!.Span, means.Begin(length).Reserve(length));
        means.Values!.Advance(length);
        return means;
    }

    private static WorkRows Samples(InferRequest request, ModelFace face, InputTensor? context, LimitsOptions limits) => new SampleArguments
    {
        CountName = ModelFace.NumSamples,
        Count = Integer(request.Input(ModelFace.NumSamples)!, long.MinValue, long.MaxValue),
        Offset = request.Input(ModelFace.Offset) is { } offset ? Integer(offset, long.MinValue, long.MaxValue) : null,
        Seed = request.Input(ModelFace.Seed) is { } seed ? (ulong)Integer128(seed, 0, ulong.MaxValue) : null,
        Temperature = request.Input(ModelFace.Temperature)?.First.Number,
        Context = ContextRows<float>.Of(context?.Values, face.Model.Spec, face.Model.Name),
    }.Checked(face.Model, limits).All;

    private static long Integer(InputTensor input, long least, long most) => (long)Integer128(input, least, most);

    private static Int128 Integer128(InputTensor input, Int128 least, Int128 most) =>
        input.First.Integer is { } value && value >= least && value <= most
            ? value
            : throw new RequestException(ProblemKind.InvalidArgument, $"{input.ShownName} must be an integer in {least}..{most}");
}
