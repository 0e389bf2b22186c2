//! Everything the store holds is read, or named and counted.
