using static TorchSharp.torch;

namespace FlowCore.Tensors;

/// <summary>
/// A tensor that follows from a spec and not from data, such as indices, masks and bounds: it moves with the module whose field it is, keeps its
/// element type, and stands in no checkpoint.
/// </summary>
/// <remarks>TorchSharp's buffers that are not persistent are meant for this, but stay where they are when their module moves.</remarks>
internal sealed class Constant : nn.Module
{
    /// <summary>Takes the tensor over.</summary>
    public Constant(Tensor values) : base(nameof(Constant)) => Values = values.DetachFromDisposeScope();

    /// <summary>On the device of the module.</summary>
    public Tensor Values { get; private set; }

    // A field that holds a tensor would become a buffer, and so a part of checkpoints.
    protected override void RegisterComponents()
    {
    }

    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        if (device is null || device == Values.device)
            return;
        using Tensor before = Values;
        Values = before.to(device).DetachFromDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Values.Dispose();
        base.Dispose(disposing);
    }
}
