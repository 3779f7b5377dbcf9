//! What clients leave behind in the store, in bytes, so that nobody without an account fills the disk.
//!
//! Whatever a client has stored counts until it is forgotten, which takes an hour, or until the flow for which it was
//! stored ends as it should: whoever signs in leaves nothing of the flow. What somebody with an account has stored, such
//! as their sessions, is theirs and counts for nobody.

use std::time::Duration;

use sessera_model::Timestamp;
use sessera_store::Change;

/// What a row costs beside its content: keys, times, indexes and what encryption adds.
const ROW: i64 = 256;

/// The least that a flow counts, and what is given back when it ends as it should.
const FLOW: i64 = 1024 + ROW;

/// The least that a code that is sent counts: the request for it, the message with it, and what it is compared with.
const CODE: i64 = 1024;

const HOUR: Duration = Duration::from_hours(1);

/// How many bytes changes leave behind. It is negative when more is taken away. Where a flow is changed, only its growth
/// counts, which whoever changes it has to add.
pub(crate) fn bytes(changes: &[Change]) -> i64 {
    changes.iter().map(of_change).sum()
}

/// How many more bytes a flow takes than before. One that shrinks gives nothing back before it ends.
pub(crate) fn growth(before: usize, after: usize) -> i64 {
    let least = usize::try_from(FLOW - ROW).unwrap_or_default();
    size(after.saturating_sub(before.max(least)))
}

fn of_change(change: &Change) -> i64 {
    match change {
        Change::InsertFlow(flow) => FLOW.max(size(flow.body.len()) + ROW),
        Change::ConsumeFlow { .. } => -FLOW,
        Change::EnqueueMessage(message) => CODE.max(size(message.content.expose().len()) + ROW),
        Change::InsertCode(_) => CODE,
        Change::InsertIdentity(identity) => {
            let verifiable = identity.verifiable_addresses.iter().map(|address| &address.value);
            let addresses =
                verifiable.chain(identity.recovery_addresses.iter().map(|address| &address.value));
            let addresses: i64 = addresses.map(|value| 2 * size(value.len()) + ROW).sum();
            size(identity.traits.to_string().len()) + addresses + 2 * ROW
        }
        Change::PutCredential(of) => {
            let identifiers = of.credential.identifiers.iter();
            let identifiers: i64 = identifiers.map(|identifier| 2 * size(identifier.len()) + ROW).sum();
            size(of.credential.config.expose().to_string().len()) + identifiers + ROW
        }
        _ => 0,
    }
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}

/// What one client has left behind lately. It is forgotten evenly.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Left {
    /// In thousandths of a byte, so that little is forgotten in little time.
    amount: i64,
    at: Timestamp,
}

impl Left {
    /// Whether there is room for more where a client may leave so many bytes in an hour, whichever hour it is: half of
    /// them at once, the others over the hour. The error is the time after which there is room.
    pub(crate) fn room(self, per_hour: u64, now: Timestamp) -> Result<(), Duration> {
        let half = half_of(per_hour);
        let over = self.after(half, now).amount - half;
        if over < 0 {
            return Ok(());
        }
        let micros = i128::from(over + 1) * i128::from(micros(HOUR)) / i128::from(half.max(1));
        Err(Duration::from_micros(u64::try_from(micros + 1).unwrap_or(u64::MAX)))
    }

    /// Counts bytes that were left, or taken away when there are less than none.
    pub(crate) fn add(&mut self, bytes: i64, per_hour: u64, now: Timestamp) {
        let then = self.after(half_of(per_hour), now);
        *self = Self { amount: then.amount.saturating_add(bytes.saturating_mul(1000)).max(0), at: now };
    }

    /// What of it still counts.
    fn after(self, half: i64, now: Timestamp) -> Self {
        let passed = i128::from(micros(now.since(self.at)));
        let forgotten = passed * i128::from(half) / i128::from(micros(HOUR));
        let forgotten = i64::try_from(forgotten).unwrap_or(i64::MAX);
        Self { amount: self.amount.saturating_sub(forgotten).max(0), at: now }
    }
}

/// Half of what one may leave in an hour, in thousandths of a byte.
fn half_of(per_hour: u64) -> i64 {
    i64::try_from(per_hour).unwrap_or(i64::MAX).saturating_mul(500)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const MIB: u64 = 1 << 20;

    #[test]
    fn no_hour_has_more_than_it_may_have() {
        const MOST: u64 = 32 * MIB;
        for bytes in [1024, 12 * 1024, 40 * 1024] {
            let (mut left, mut stored, mut now) = (Left::default(), Vec::new(), NOW);
            let end = NOW + HOUR * 3;
            while now < end {
                match left.room(MOST, now) {
                    Ok(()) => {
                        left.add(bytes, MOST, now);
                        stored.push(now);
                    }
                    Err(wait) => now = now + wait,
                }
            }
            let most =
                |from: &Timestamp| stored.iter().filter(|at| *at >= from && **at < *from + HOUR).count();
            let most = stored.iter().step_by(97).map(most).max().unwrap();
            let most = u64::try_from(most).unwrap() * u64::try_from(bytes).unwrap();
            assert!((MOST * 9 / 10..=MOST + 64 * 1024).contains(&most), "{bytes}: {most}");
        }
    }

    #[test]
    fn what_is_taken_away_does_not_count() {
        let mut left = Left::default();
        for second in 0..100_000 {
            let now = NOW + Duration::from_millis(100 * second);
            assert_eq!(left.room(32 * MIB, now), Ok(()));
            left.add(1500, 32 * MIB, now);
            left.add(-1500, 32 * MIB, now);
        }
        left.add(-5000, 32 * MIB, NOW);
        left.add(i64::MAX, 32 * MIB, NOW);
        assert!(left.room(32 * MIB, NOW).is_err());
        assert!(Left::default().room(u64::MAX, NOW).is_ok());
    }
}
