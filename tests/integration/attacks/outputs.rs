//! Outputs must harm nobody: no followed links, no terminal escapes, no half-written report.
