//! A report identifies itself and can be made again.
