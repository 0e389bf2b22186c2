//! Records must not vanish, whatever their content.

mod arbitrary;
mod grammar;
mod kinds;
