//! Everything the store holds is read, or named and counted; and no server makes a run take memory or
//! time without end.

mod encoded;
mod hostile;
#[cfg(unix)]
mod links;
mod whole;
