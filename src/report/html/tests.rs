//! A report made by hand, and what its page must and must not hold.
use super::*;
#[test]
fn empty() {
    let html = render(&sample());
    assert!(html.len() > 10);
}
fn sample() -> Report {
    todo!()
}
