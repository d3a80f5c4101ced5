// Each test builds hosts of its own on two cores: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
