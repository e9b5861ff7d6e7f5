"""The TensorBoard view of a study. Only this package imports tensorboardX."""
