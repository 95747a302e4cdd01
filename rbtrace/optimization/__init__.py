"""Search algorithms for rustybt's own optimizers.

    from rbtrace.optimization.multi_fidelity import MultiFidelitySearch

They are subclasses of rustybt's `SearchAlgorithm`: an `Optimizer` or a `ParallelOptimizer` takes
them as it takes rustybt's own.
"""
