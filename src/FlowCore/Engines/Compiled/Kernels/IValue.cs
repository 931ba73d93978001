namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// What a formula is made of that is written once for both compiled engines: on a CPU the lanes of a vector
/// (<see cref="SingleLanes"/>, <see cref="DoubleLanes"/>), for a GPU names in the text of a kernel (<see cref="Gpu.Term"/>). Every operation is one that IEEE 754
/// fixes to the last bit, and none is contracted with another, so that both give the same bits. Comparisons give masks.
/// </summary>
internal interface IValue<V>
    where V : unmanaged, IValue<V>
{
    /// <summary>Whether it holds float32; else float64.</summary>
    static abstract bool IsSingle { get; }

    /// <summary>The mask that is set everywhere.</summary>
    static abstract V Everywhere { get; }

    /// <summary>A number, rounded to the type.</summary>
    static abstract V Of(double value);

    static abstract V operator -(V a);

    static abstract V operator +(V a, V b);

    static abstract V operator -(V a, V b);

    static abstract V operator *(V a, V b);

    static abstract V operator /(V a, V b);

    static abstract V operator <(V a, V b);

    static abstract V operator <=(V a, V b);

    static abstract V operator >(V a, V b);

    static abstract V operator >=(V a, V b);

    static abstract V AreEqual(V a, V b);

    /// <summary>A value where the mask is set, else 0; or a mask where both are set.</summary>
    static abstract V operator &(V a, V mask);

    /// <summary>The mask that is set where this one is not.</summary>
    static abstract V operator ~(V mask);

    /// <summary>a where the mask is set, else b.</summary>
    static abstract V Select(V mask, V a, V b);

    /// <summary>a b + c, rounded once.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>The larger one; b where either is NaN, and where both are 0.</summary>
    static abstract V Larger(V a, V b);

    static abstract V Abs(V x);

    static abstract V Sqrt(V x);

    static abstract V Floor(V x);

    /// <summary>What is left of x when a whole number of turns is taken off, exactly, with the sign of x.</summary>
    static abstract V Remainder(V x, double turn);

    /// <summary>p 2^n for a whole number n, in two factors: neither overflows before the result does.</summary>
    static abstract V TimesPowerOfTwo(V p, V n);

    /// <summary>m in [1/2, 1) and e with x = m 2^e, for a positive x.</summary>
    static abstract V Mantissa(V x, out V exponent);
}

/// <summary>The lanes of a vector.</summary>
internal unsafe interface ILaneValue<V> : IValue<V>
    where V : unmanaged, ILaneValue<V>
{
    static abstract V Load(void* from);

    static abstract void Store(V value, void* to);
}
