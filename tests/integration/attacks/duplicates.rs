//! A planted copy must not hide an event; chosen ids must not slow a run.
