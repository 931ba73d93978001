// Live tensors are counted for the whole process: one test at a time computes in it. Classes that only start other processes name a collection of
// their own, and run beside these.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
