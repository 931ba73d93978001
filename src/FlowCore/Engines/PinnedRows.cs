using System.Numerics;
using System.Runtime.InteropServices;
using FlowCore.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Engines;

/// <summary>
/// An engine's rows on their way to a GPU and back, through page-locked memory that it keeps: the device copies from there by
/// itself, and the host goes on.
/// </summary>
/// <remarks>
/// What overlaps: an upload, with all that the host does until the results are asked for, the launches of the kernels above all; and
/// with two engines on a device, everything that the host does for one with what the device does for the other. On the device copies
/// and kernels take turns, for TorchSharp knows one stream of it alone.
/// </remarks>
internal sealed class PinnedRows<T>(torch.Device device) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private Tensor? memory;
    private long used;

    /// <summary>Rows of their own on the device. Nothing waits: they are copied behind what the device has been given to do before.</summary>
    public Tensor Upload(ReadOnlySpan<T> values, int rows, int width)
    {
        Tensor staged = Take(values.Length).view(rows, width);
        MemoryMarshal.AsBytes(values).CopyTo(staged.bytes);
        return empty(rows, width, TensorRows.TypeOf<T>(), device).copy_(staged, nonBlocking: true);
    }

    /// <summary>Results of a computation, in one copy, without the values where there is no room for them; waits for it, and so for all that it was made of. Then the memory is free for the next one.</summary>
    public void Download(Tensor values, Span<T> toValues, Tensor perRow, Span<T> toPerRow, Tensor? perRowB = null, Span<T> toPerRowB = default)
    {
        var wanted = new List<Tensor>(3) { perRow.flatten() };
        if (!toValues.IsEmpty)
            wanted.Insert(0, values.flatten());
        if (perRowB is not null)
            wanted.Add(perRowB.flatten());
        Tensor all = cat(wanted);
        if (all.numel() != (long)toValues.Length + toPerRow.Length + toPerRowB.Length || all.dtype != TensorRows.TypeOf<T>())
            throw new RowException($"{all.numel()} {all.dtype} results do not fill {toValues.Length} + {toPerRow.Length} + {toPerRowB.Length} {typeof(T).Name} values");
        ReadOnlySpan<T> host = MemoryMarshal.Cast<byte, T>(Take(all.numel()).copy_(all).bytes);
        host[..toValues.Length].CopyTo(toValues);
        host.Slice(toValues.Length, toPerRow.Length).CopyTo(toPerRow);
        host[(toValues.Length + toPerRow.Length)..].CopyTo(toPerRowB);
        used = 0;
    }

    public void Dispose() => memory?.Dispose();

    // A part that no copy under way reads. What is outgrown is given back when its last copy is done: libtorch sees to that.
    private Tensor Take(long count)
    {
        if (memory is null || used + count > memory.numel())
        {
            Tensor plain = empty(Math.Max(count, 2 * (memory?.numel() ?? 0)), TensorRows.TypeOf<T>());
            memory?.Dispose();
            memory = (device.type == DeviceType.CUDA ? plain.pin_memory() : plain).DetachFromDisposeScope();
            used = 0;
        }
        used += count;
        return memory.narrow(0, used - count, count);
    }
}
