// Replaced by the first operations.
