"""The TensorBoard view of a study. The only tensorboardX."""
