//! Records must not vanish, whatever their content.

mod arbitrary;
mod beside;
mod grammar;
mod kinds;
