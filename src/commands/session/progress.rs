//! The progress bar: objects, events a second, time left. Only where a terminal is there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::commands::note;
use crate::pipeline::Progress;
use crate::safe_text::TerminalText;
use crate::words::thousands;

pub(in crate::commands) struct Bar {
    bar: ProgressBar,
    events: AtomicU64,
    began: Instant,
}

impl Bar {
    /// A bar on standard error; indicatif hides it where that is no terminal.
    pub(in crate::commands) fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target).with_message("listing");
        Self {
            bar,
            events: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    pub(in crate::commands) fn begin(&self) {
        let template = "{wide_bar:.cyan} {pos}/{len} objects  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(0);
    }

    pub(in crate::commands) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn remark(&self, remark: &TerminalText) {
        self.bar.suspend(|| note(remark));
    }

    fn listed(&self, objects: u64) {
        self.bar.inc_length(objects);
    }

    fn object(&self, _bytes: u64, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        self.bar.inc(1);
        if !self.bar.is_hidden() {
            let rate = u128::from(events) * 1_000 / self.began.elapsed().as_millis().max(1);
            let rate = thousands(u64::try_from(rate).unwrap_or(u64::MAX));
            self.bar
                .set_message(format!("{} events, {rate}/s", thousands(events)));
        }
    }
}
