"""The training rule: state, one step, the loop, checkpoints; randomness and threads that make it repeatable."""
