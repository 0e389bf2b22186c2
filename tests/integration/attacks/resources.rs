//! No input makes a run super-linear in time or unbounded in memory.
