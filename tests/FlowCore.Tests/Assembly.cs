// As many tests at once as there are cores: each computes on one thread.
[assembly: CollectionBehavior(MaxParallelThreads = 0)]
