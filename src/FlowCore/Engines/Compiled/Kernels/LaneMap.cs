using System.Numerics;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>A function of each lane of vectors, in their place.</summary>
internal abstract unsafe class LaneMap<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public abstract void Apply(Vector512<T>* h, int count);

    /// <summary>Writes it as a function of one number into a kernel; returns its name.</summary>
    public abstract string Emit(KernelText text);
}

/// <summary>The same for one function.</summary>
internal sealed unsafe class LaneMap<T, TMap>(double parameter) : LaneMap<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TMap : IMap
{
    public override void Apply(Vector512<T>* h, int count) =>
        MapLoop<T, TMap>.Run((T*)h, 0, (T*)h, 0, rows: 1, count * Vector512<T>.Count, parameter);

    public override string Emit(KernelText text) => text.Function("map", name => Words.Function(name, text.IsSingle, x => TMap.At(x, parameter)));
}
