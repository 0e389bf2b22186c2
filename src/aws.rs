//! The only place that builds AWS clients.
