//! Records must not vanish, whatever their content.
