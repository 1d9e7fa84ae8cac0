//! The server that vanishes and returns: how many connections it takes in a second, and what becomes of the others.

use std::time::Duration;

/// What a server does with more connections than it can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overload {
    /// Somebody in front of it answers at once: refused, or HTTP 503.
    Refuse,
    /// They wait in the queue of the listening socket, which holds so many. Beyond that the system drops the first
    /// packet of a connection, and the client's repeats it after 1, 3 and 7 s. Who gives up while he waits is served
    /// all the same: the work is lost.
    Queue(u32),
}

/// What becomes of a connection that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken, at this moment.
    Taken(Duration),
    /// It is refused.
    Refused,
    /// Nobody answers.
    Dropped,
}

/// Takes one connection after the other, each in the same time.
#[derive(Debug)]
pub(crate) struct Server {
    overload: Overload,
    returns_at: Duration,
    per_connection: Duration,
    /// When all that was taken so far is done.
    free_at: Duration,
}

impl Server {
    pub(crate) fn new(accept_rate: u32, overload: Overload, returns_at: Duration) -> Self {
        Self { overload, returns_at, per_connection: Duration::from_secs(1) / accept_rate, free_at: returns_at }
    }

    /// While it is away, connections are refused.
    pub(crate) fn arrive(&mut self, now: Duration) -> Verdict {
        if now < self.returns_at {
            return Verdict::Refused;
        }
        let begins_at = self.free_at.max(now);
        let waiting = (begins_at - now).as_secs_f64() / self.per_connection.as_secs_f64();
        match self.overload {
            Overload::Refuse if begins_at - now > AHEAD => return Verdict::Refused,
            Overload::Queue(places) if waiting >= f64::from(places) => return Verdict::Dropped,
            _ => {}
        }
        self.free_at = begins_at + self.per_connection;
        Verdict::Taken(self.free_at)
    }
}

/// A server that refuses lets at most so much work pile up.
const AHEAD: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    const BACK: Duration = Duration::from_secs(60);

    fn taken(server: &mut Server, at: Duration, arrivals: usize) -> usize {
        (0..arrivals).filter(|_| matches!(server.arrive(at), Verdict::Taken(_))).count()
    }

    #[test]
    fn while_it_is_away_it_takes_nobody() {
        let mut server = Server::new(10, Overload::Queue(5), BACK);
        assert_eq!(server.arrive(BACK - Duration::from_nanos(1)), Verdict::Refused);
        assert_eq!(server.arrive(BACK), Verdict::Taken(BACK + Duration::from_millis(100)));
    }

    #[test]
    fn it_takes_no_more_in_a_second_than_its_rate_and_what_may_pile_up() {
        let mut server = Server::new(1000, Overload::Refuse, BACK);
        let steps = (0..1000).map(|millis| BACK + Duration::from_millis(millis));
        let all: usize = steps.map(|at| taken(&mut server, at, 10)).sum();
        assert!((1000..=1101).contains(&all), "{all}");
        assert_eq!(server.arrive(BACK + Duration::from_millis(999)), Verdict::Refused);
    }

    #[test]
    fn a_queue_takes_what_it_holds_and_drops_the_rest_until_there_is_room() {
        let mut server = Server::new(10, Overload::Queue(5), BACK);
        assert_eq!(taken(&mut server, BACK, 100), 5);
        assert_eq!(server.arrive(BACK), Verdict::Dropped);
        assert_eq!(taken(&mut server, BACK + Duration::from_millis(200), 100), 2);
    }
}
