//! Addresses that took a connection and then broke it off: a dead machine behind a balancer, a half-open firewall. The
//! next attempt tries them last.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

/// The suspects of one client, the newest last.
#[derive(Default)]
pub(super) struct Suspects(Mutex<Vec<SocketAddr>>);

impl Suspects {
    /// The same addresses, the suspects last, and of those the newest last. Otherwise in the order that they had.
    pub(super) fn put_last(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        self.with(|suspects| addresses.sort_by_key(|address| place(suspects, address)));
        addresses
    }

    pub(super) fn suspect(&self, address: Option<SocketAddr>) {
        self.with(|suspects| {
            suspects.retain(|known| Some(*known) != address);
            suspects.extend(address);
            if suspects.len() > MOST {
                suspects.remove(0);
            }
        });
    }

    pub(super) fn trust(&self, address: Option<SocketAddr>) {
        self.with(|suspects| suspects.retain(|known| Some(*known) != address));
    }

    fn with<R>(&self, act: impl FnOnce(&mut Vec<SocketAddr>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// 0 for those that are none.
fn place(suspects: &[SocketAddr], address: &SocketAddr) -> usize {
    suspects.iter().position(|known| known == address).map_or(0, |place| place + 1)
}

/// More than a name usually has.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_go_last_until_they_are_trusted_again() {
        let suspects = Suspects::default();
        let all @ [a, b, c] = ["1.1.1.1:1", "[::2]:1", "3.3.3.3:1"].map(|text| text.parse().expect("an address"));
        assert_eq!(suspects.put_last(all.to_vec()), [a, b, c]);
        suspects.suspect(Some(b));
        suspects.suspect(Some(a));
        assert_eq!(suspects.put_last(all.to_vec()), [c, b, a]);
        suspects.suspect(Some(b));
        assert_eq!(suspects.put_last(all.to_vec()), [c, a, b]);
        suspects.trust(Some(a));
        assert_eq!(suspects.put_last(all.to_vec()), [a, c, b]);
    }

    #[test]
    fn their_number_is_bounded() {
        let suspects = Suspects::default();
        for port in 0..1000 {
            suspects.suspect(Some(SocketAddr::from(([127, 0, 0, 1], port))));
        }
        assert_eq!(suspects.with(|suspects| suspects.len()), MOST);
    }
}
