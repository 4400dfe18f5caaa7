"""From records on disk to batches of a stream."""
