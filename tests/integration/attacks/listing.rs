//! Everything the store holds is read, or named and counted; and no server makes a run take memory or
//! time without end.

mod hostile;
mod whole;
