//! Panics while one object is read: caught, kept off the terminal, and put into words.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use crate::safe_text;

/// The most characters of a panic's message that are kept.
const MOST_SAID: usize = 200;

thread_local! {
    /// This thread is at work that [`caught`] guards.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `work`. The error is what its panic said, and where, safe to print. Whatever `work` was changing
/// must not be used again after an error.
pub(super) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match GUARDED.get() {
            true => SAID.set(panic_message(info)),
            false => usual(info),
        }));
    });
    GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    done.map_err(|_payload| SAID.take())
}

/// The message and the line of code. Of the path only the file's name: the rest is that of the machine
/// which built the program.
fn panic_message(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("a panic without words");
    let message = safe_text::line(message, MOST_SAID);
    match info.location() {
        Some(place) => {
            let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default();
            format!("{message}, {file}:{}", place.line())
        }
        None => message.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_in_words_that_are_safe_and_the_next_work_is_guarded_again() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        for _ in 0..2 {
            let error =
                catch_panic(|| -> u8 { panic!("bad \u{1b}[31m value {}", "x".repeat(900)) });
            let error = error.unwrap_err();
            assert!(error.starts_with("bad \u{fffd}[31m value xxx"), "{error}");
            assert!(
                error.len() < 250 && error.contains(", guard.rs:"),
                "{error}"
            );
        }
        assert!(!GUARDED.get());
    }
}
