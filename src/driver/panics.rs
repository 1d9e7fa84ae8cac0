//! Panics, which are bugs of ours. What one says may have been made of a secret, so only its place is told.

use std::{
    cell::Cell,
    panic::{self, PanicHookInfo},
    sync::Once,
};

thread_local! {
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// From now on panics print nothing.
pub fn hide_panic_messages() {
    static HIDDEN: Once = Once::new();
    HIDDEN.call_once(|| panic::set_hook(Box::new(note_place)));
}

/// What is told of a panic that was caught on this thread.
pub(super) fn words_of_panic(what: &str) -> String {
    let place = PLACE.take().map_or_else(String::new, |place| format!(" at {place}"));
    format!("{what} panicked{place}; please report it")
}

fn note_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
    // The thread may be ending.
    let _ = PLACE.try_with(|kept| kept.set(place));
}
