//! One chain of digests never vouches for another.
