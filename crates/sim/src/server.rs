//! The kinds of servers; [`crate::answers`] says what each does.

/// What kind of server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// None: the test says what the server sends, and what the token function returns.
    Scripted,
    /// An honest server of the guide's dialect. It takes every token and answers each tool request with its parameters.
    Guide,
    /// An honest server of the event dialect, which ignores the guide's messages.
    Event,
    /// Accepts connections and sends nothing at all, not even a close frame.
    Mute,
    /// Speaks the guide's dialect and sends wrong answers: to no request, twice, late, broken, in the other dialect.
    Liar,
    /// Refuses clients: at the upgrade, by refusing the token, or by closing afterwards.
    Refusing,
    /// Is down: dials fail, or are never answered.
    Down,
}
