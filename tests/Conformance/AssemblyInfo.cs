// Each class has a host node of its own on two cores: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
