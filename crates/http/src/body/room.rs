//! How much room the bodies of a port have, and how much of it one client may take.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::IntCounter;
use sessera_config::network;
use tokio::time::Instant;

/// The part of all room that one client may take.
const SHARE: usize = 8;

/// How often the log says that there is no room.
const PAUSE: Duration = Duration::from_mins(1);

/// An amount of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    /// Places of requests that wait for their bodies.
    pub(super) places: usize,
    /// Pieces of bodies that have arrived.
    pub(super) pieces: usize,
}

impl Amount {
    pub(super) const PLACE: Self = Self { places: 1, pieces: 0 };
    pub(super) const PIECE: Self = Self { places: 0, pieces: 1 };

    fn and(self, more: Self) -> Self {
        Self { places: self.places + more.places, pieces: self.pieces + more.pieces }
    }

    fn without(self, less: Self) -> Self {
        Self { places: self.places - less.places, pieces: self.pieces - less.pieces }
    }

    fn fits(self, most: Self) -> bool {
        self.places <= most.places && self.pieces <= most.pieces
    }
}

/// How often there was no room, and on which port.
#[derive(Clone, Debug)]
pub struct Full {
    /// The port, as the log names it.
    pub api: &'static str,
    /// How often a client had no room of its own left.
    pub share: IntCounter,
    /// How often all room was taken.
    pub whole: IntCounter,
}

/// The room of a port, and who has taken how much of it.
pub(super) struct Room {
    most: Amount,
    pub(super) full: Full,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: Amount,
    /// Of clients that have taken none of it there is nothing, so there are no more entries than places and pieces.
    by_client: HashMap<IpAddr, Amount>,
    /// When the log said last that a share, and that all of it was taken.
    told: [Option<Instant>; 2],
}

impl Taken {
    /// Whether the log is to say something again.
    fn tells(&mut self, which: usize) -> bool {
        let is_due = self.told[which].is_none_or(|told| told.elapsed() >= PAUSE);
        if is_due {
            self.told[which] = Some(Instant::now());
        }
        is_due
    }
}

impl Room {
    pub(super) fn new(most: Amount, full: Full) -> Self {
        Self { most, full, taken: Mutex::default() }
    }

    /// What is left of it.
    #[cfg(test)]
    pub(super) fn left(&self) -> Amount {
        self.most.without(self.taken.lock().unwrap_or_else(PoisonError::into_inner).all)
    }

    /// Takes more room for a client, if it has any left.
    fn take(&self, client: Option<IpAddr>, more: Amount) -> bool {
        let share = Amount { places: self.most.places / SHARE, pieces: self.most.pieces / SHARE };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all = taken.all.and(more);
        let own = client
            .map(|client| (client, taken.by_client.get(&client).copied().unwrap_or_default().and(more)));
        if let Some((client, own)) = own
            && !own.fits(share)
        {
            self.full.share.inc();
            if taken.tells(0) {
                tracing::warn!(
                    event = "body_refused",
                    api = self.full.api,
                    client = %client,
                    "a client has as many bodies under way as one client may; if it is a proxy, name it in serve.public.trusted_proxies"
                );
            }
            return false;
        }
        if !all.fits(self.most) {
            self.full.whole.inc();
            if taken.tells(1) {
                tracing::warn!(
                    event = "body_refused",
                    api = self.full.api,
                    clients = taken.by_client.len(),
                    "all clients together have as many bodies under way as there is memory for"
                );
            }
            return false;
        }
        taken.all = all;
        if let Some((client, own)) = own {
            taken.by_client.insert(client, own);
        }
        true
    }

    fn give_back(&self, client: Option<IpAddr>, less: Amount) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.without(less);
        let Some(client) = client else { return };
        let left = taken.by_client.get(&client).copied().unwrap_or_default().without(less);
        if left == Amount::default() {
            taken.by_client.remove(&client);
        } else {
            taken.by_client.insert(client, left);
        }
    }
}

/// The room that one body takes, which is given back with it.
pub(super) struct RoomShare {
    room: Arc<Room>,
    client: Option<IpAddr>,
    taken: Amount,
}

impl RoomShare {
    /// A body that has no room yet. Its client is not bounded by itself when nobody says which one it is.
    pub(super) fn new(room: Arc<Room>, client: Option<IpAddr>) -> Self {
        Self { room, client: client.map(network), taken: Amount::default() }
    }

    /// Takes more room, if there is any for this client.
    pub(super) fn take(&mut self, more: Amount) -> bool {
        let is_taken = self.room.take(self.client, more);
        if is_taken {
            self.taken = self.taken.and(more);
        }
        is_taken
    }

    /// Gives its place back, because the body is there.
    pub(super) fn has_arrived(&mut self) {
        self.give_back(Amount { pieces: 0, ..self.taken });
    }

    /// Gives its pieces back, because the body is refused.
    pub(super) fn give_pieces_back(&mut self) {
        self.give_back(Amount { places: 0, ..self.taken });
    }

    fn give_back(&mut self, less: Amount) {
        self.room.give_back(self.client, less);
        self.taken = self.taken.without(less);
    }
}

impl Drop for RoomShare {
    fn drop(&mut self) {
        self.room.give_back(self.client, self.taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_log_says_once_that_there_is_no_room() {
        let mut taken = Taken::default();
        assert!(taken.tells(0) && taken.tells(1));
        assert!(!taken.tells(0) && !taken.tells(1));
        tokio::time::advance(PAUSE).await;
        assert!(taken.tells(0) && !taken.tells(0) && taken.tells(1));
    }
}
