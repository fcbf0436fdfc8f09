//! The log that is the truth, the transparency tree over it, and the memory that can be rebuilt from it.
