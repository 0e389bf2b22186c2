//! Findings name who did it.
