// One test at a time. TorchSharp does not keep the Scalar alive that `tensor * 2.0` makes: where another thread's allocations start
// a garbage collection during the native call, its memory may be freed under it ("Unknown scalar type", seen once in some ten runs).
[assembly: CollectionBehavior(DisableTestParallelization = true)]
