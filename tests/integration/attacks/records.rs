//! Records must not vanish, whatever their content.

mod arbitrary;
mod beside;
mod calls;
mod grammar;
mod kinds;
