//! The kinds of servers.

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Nobody: the test says each word of the server, and of the token function.
    Scripted,
    /// An honest server of the guide's dialect. It takes every token and answers each tool request with its parameters.
    Guide,
    /// An honest server of the event dialect, which passes over the guide's frames without a word.
    Event,
    /// Takes connections and says nothing at all, not even goodbye.
    Mute,
    /// Speaks the guide's dialect, and says what is not so: answers to nobody, twice, late, broken, in the other dialect.
    Liar,
    /// Turns clients away: at the upgrade, by refusing the token, or by closing after it.
    Refusing,
    /// Is not there: dials fail, or nobody answers them.
    Down,
}
