"""Other analyzers of traces, to be measured beside rbtrace; none is needed for anything else."""
