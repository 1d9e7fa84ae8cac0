//! An HTTP answer that refuses what was asked for.

use std::fmt;

/// What a server or a proxy answered in place of what was asked for. It holds no secret of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What HTTP calls it, if it is a known one.
    pub reason: Option<&'static str>,
    /// Where it leads to (`Location`), without the query. It is never followed: the next request has the key.
    pub location: Option<String>,
    /// The first line of its body, if that is text; of HTML the title.
    pub text: Option<String>,
}

impl Answer {
    /// One that says nothing but its status.
    pub fn of(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(reason) = self.reason {
            write!(f, " {reason}")?;
        }
        if let Some(location) = &self.location {
            write!(f, ", Location {location}")?;
        }
        match &self.text {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_what_the_answer_says_of_itself() {
        assert_eq!(Answer::of(599).to_string(), "HTTP 599");
        let found = Answer {
            reason: Some("Found"),
            location: Some("https://portal.example/login".to_owned()),
            text: Some("Sign in".to_owned()),
            ..Answer::of(302)
        };
        assert_eq!(found.to_string(), "HTTP 302 Found, Location https://portal.example/login: Sign in");
    }
}
