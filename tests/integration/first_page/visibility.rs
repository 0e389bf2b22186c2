//! A rule is "assessed" only where its events could be seen.
