//! The life of a key that expires: when it ends, when it is to be replaced, and how far that has come.
//! Source: PROTOCOL.md rule 15.

use super::{
    error::{NoToken, Reason},
    fields::Fields,
};

/// When a key is to be replaced, and when it ends; both by the wall clock, in ms since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KeyLife {
    pub(super) renew_at: u64,
    pub(super) expires_at: u64,
}

impl KeyLife {
    /// Of a key that was received at `now`, in ms since the epoch. `expires_at` is what the user's function gave.
    pub(super) fn new(now: u64, expires_at: f64) -> Result<Self, NoToken> {
        // A time in seconds, which is what most tokens hold, is a moment of January 1970.
        if !expires_at.is_finite() || expires_at < LEAST_EXPIRY || expires_at <= now as f64 {
            return Err(NoToken::Expiry(expires_at));
        }
        let expires_at = expires_at as u64;
        let life = expires_at.saturating_sub(now);
        let margin = (life / 10).clamp(LEAST_MARGIN, MOST_MARGIN);
        Ok(Self { renew_at: expires_at.saturating_sub(margin).max(now + life.div_ceil(2)), expires_at })
    }
}

impl KeyLife {
    /// Visits that of a key that is there, perhaps, and ends, perhaps.
    pub(super) fn visit_maybe(life: &mut Option<Option<Self>>, fields: &mut dyn Fields) {
        let (mut is_there, mut ends) = (life.is_some(), life.flatten().is_some());
        fields.field("keyIsKnown", &mut is_there);
        fields.field("keyEnds", &mut ends);
        if fields.is_reading() {
            *life = is_there.then(|| ends.then(Self::default));
        }
        if let Some(Some(life)) = life {
            life.visit(fields);
        }
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("renewAt", &mut self.renew_at);
        fields.field("expiresAt", &mut self.expires_at);
    }
}

/// The key that the server has accepted, if it ends.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) life: KeyLife,
    /// A new key was asked for, or is sent and not answered yet.
    pub(super) is_underway: bool,
    failures: u32,
    pub(super) last_failure: Option<Reason>,
}

impl Renewal {
    pub(super) fn new(life: KeyLife) -> Box<Self> {
        Box::new(Self { life, is_underway: false, failures: 0, last_failure: None })
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        self.life.visit(fields);
        fields.field("renewalUnderway", &mut self.is_underway);
        fields.field("renewalFailures", &mut self.failures);
        fields.field("lastRenewalFailure", &mut self.last_failure);
    }

    /// The first try is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.is_underway && self.failures == 0
    }

    /// A try has failed. Returns how many had failed before.
    pub(super) fn fail(&mut self, reason: Reason) -> u32 {
        self.is_underway = false;
        self.last_failure = Some(reason);
        self.failures += 1;
        self.failures - 1
    }
}

/// In ms since the epoch: in March 1973. As seconds it is the year 5138.
const LEAST_EXPIRY: f64 = 1e11;
/// In ms: how long before its end a key is replaced. PROTOCOL.md rule 15.
const LEAST_MARGIN: u64 = 5_000;
const MOST_MARGIN: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn renewed_after(life: u64) -> u64 {
        KeyLife::new(NOW, (NOW + life) as f64).expect("a life").renew_at - NOW
    }

    #[test]
    fn a_key_is_replaced_a_tenth_of_its_life_before_its_end_but_5_to_60_s_and_never_before_half_its_life() {
        for (life, expected) in [
            (300_000, 270_000),
            (600_000, 540_000),
            (3_600_000, 3_540_000),
            (50_000, 45_000),
            (30_000, 25_000),
            (10_000, 5_000),
            (8_000, 4_000),
            (1, 1),
        ] {
            assert_eq!(renewed_after(life), expected, "{life}");
        }
    }

    #[test]
    fn an_end_that_is_past_or_not_in_ms_is_an_error_that_says_so() {
        for expires_at in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1_700_000_000.0, 1e11 - 1.0] {
            let error = KeyLife::new(NOW, expires_at).expect_err("refused").to_string();
            assert!(error.contains("expiresAt") && error.contains("in ms"), "{error}");
        }
        for expires_at in [NOW - 1, NOW] {
            let error = KeyLife::new(NOW, expires_at as f64).expect_err("refused").to_string();
            assert!(error.contains(&expires_at.to_string()) && error.contains("in ms"), "{error}");
        }
    }
}
