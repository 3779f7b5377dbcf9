use super::*;

/// A lease of 10 s, a skew of 2 s and a max-age of 30 s give 42 s of notice and 12 s of drain.
const TIMING: Timing = Timing {
    lease: GoDuration::from_secs(10),
    skew: GoDuration::from_secs(2),
    max_age: GoDuration::from_secs(30),
};
const PERIOD: GoDuration = GoDuration::from_secs(100);
const TTL: GoDuration = GoDuration::from_secs(60);

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_000 + second)
}

/// Does what is due, as a server would, and says what it was.
fn settle(set: &mut Schedule, second: i64) -> Vec<Step> {
    let steps = set.due(at(second), &TIMING);
    for step in &steps {
        match step {
            Step::Prepare { activates_at } => {
                set.add(format!("k{}", set.keys.len() + 1), *activates_at, TTL, at(second));
            }
            Step::DestroyPrivate { kid } => set.destroyed(kid, at(second)),
        }
    }
    steps
}

/// A set with a key that signs since second 0 and one that will from second 100 on.
fn running() -> Schedule {
    let mut set = Schedule::new(PERIOD, &TIMING, at(0)).unwrap();
    assert_eq!(settle(&mut set, 0), [Step::Prepare { activates_at: at(0) }]);
    assert_eq!(settle(&mut set, 0), [Step::Prepare { activates_at: at(100) }]);
    assert_eq!(settle(&mut set, 0), []);
    set
}

fn states(set: &Schedule, second: i64) -> Vec<(&str, State)> {
    set.states(at(second), &TIMING).into_iter().map(|(key, state)| (key.kid.as_str(), state)).collect()
}

fn signer(set: &Schedule, second: i64) -> &str {
    &set.active(at(second)).unwrap().kid
}

#[test]
fn every_transition_happens_at_its_second() {
    let mut set = running();
    assert_eq!(states(&set, 99), [("k1", State::Active), ("k2", State::Prepared)]);
    assert_eq!(states(&set, 100), [("k1", State::Retiring), ("k2", State::Active)]);
    // The next key is made as soon as the one before signs.
    assert_eq!(settle(&mut set, 100), [Step::Prepare { activates_at: at(200) }]);
    // A lease and the skew after its successor's activation, no node can sign with the old key.
    assert_eq!(settle(&mut set, 111), []);
    assert_eq!(settle(&mut set, 112), [Step::DestroyPrivate { kid: "k1".into() }]);
    // Lease, ttl, max-age and twice the skew are 10 + 60 + 30 + 4.
    assert_eq!(states(&set, 203)[0], ("k1", State::Retiring));
    assert_eq!(states(&set, 204)[0], ("k1", State::Retired));
    let published = |second| -> Vec<String> {
        set.published(at(second), &TIMING).into_iter().map(|key| key.kid.clone()).collect()
    };
    assert_eq!(published(203), ["k1", "k2", "k3"]);
    assert_eq!(published(204), ["k2", "k3"]);
}

#[test]
fn the_timeline_says_what_comes() {
    let set = running();
    let shown: Vec<_> =
        set.timeline(at(0), &TIMING).into_iter().map(|entry| (entry.kid, entry.at, entry.state)).collect();
    assert_eq!(
        shown,
        [
            ("k1".to_owned(), at(100), State::Retiring),
            ("k2".to_owned(), at(100), State::Active),
            ("k1".to_owned(), at(204), State::Retired),
        ]
    );
}

#[test]
fn verifiers_never_keep_a_set_past_a_planned_removal() {
    let set = running();
    assert_eq!(set.max_age(at(0), &TIMING), Duration::from_secs(30));
    assert_eq!(set.max_age(at(180), &TIMING), Duration::from_secs(24));
    assert_eq!(set.max_age(at(203), &TIMING), Duration::from_secs(1));
}

#[test]
fn rotating_now_waits_until_all_verifiers_can_know_the_next_key() {
    let mut set = running();
    // The key was published at 0 and needs 42 s of notice.
    assert_eq!(set.rotate(at(10), &TIMING), Some(at(42)));
    assert_eq!(signer(&set, 41), "k1");
    assert_eq!(signer(&set, 42), "k2");
    // A second time changes nothing.
    assert_eq!(set.rotate(at(20), &TIMING), Some(at(42)));
    assert_eq!(settle(&mut set, 42), [Step::Prepare { activates_at: at(142) }]);
    // The key was known for long enough, so it signs at once.
    assert_eq!(set.rotate(at(90), &TIMING), Some(at(90)));
    assert_eq!(signer(&set, 90), "k3");
}

#[test]
fn rotating_needs_a_next_key() {
    let mut set = Schedule::adopt(&["k1".into()], PERIOD, TTL, &TIMING, at(0)).unwrap();
    assert_eq!(set.rotate(at(1), &TIMING), None);
    settle(&mut set, 1);
    assert_eq!(set.rotate(at(1), &TIMING), Some(at(43)));
}

#[test]
fn a_revoked_signer_is_out_at_once_and_the_prepared_key_signs() {
    let mut set = running();
    let revoked = set.revoke("k1", at(50), &TIMING).unwrap();
    assert_eq!(revoked.signer.as_deref(), Some("k2"));
    // Sets are kept for lease and max-age (40 s), tokens live for lease and ttl (70 s).
    assert_eq!(revoked.accepted_until, at(92));
    assert_eq!(states(&set, 50), [("k1", State::Revoked), ("k2", State::Active)]);
    let steps = settle(&mut set, 50);
    assert_eq!(steps, [Step::Prepare { activates_at: at(150) }, Step::DestroyPrivate { kid: "k1".into() }]);
    assert_eq!(set.revoke("k1", at(51), &TIMING), Err(RevokeError::Already { kid: "k1".into(), at: at(50) }));
    assert_eq!(set.revoke("k9", at(51), &TIMING), Err(RevokeError::NoSuchKey("k9".into())));
}

#[test]
fn without_a_prepared_key_a_revocation_asks_for_a_new_signer() {
    let mut set = Schedule::adopt(&["a".into()], PERIOD, TTL, &TIMING, at(0)).unwrap();
    assert_eq!(set.revoke("a", at(1), &TIMING).unwrap().signer, None);
    assert_eq!(settle(&mut set, 1)[0], Step::Prepare { activates_at: at(1) });
    assert_eq!(signer(&set, 1), "k2");
}

#[test]
fn a_revoked_prepared_key_is_replaced_with_full_notice() {
    let mut set = running();
    assert_eq!(set.revoke("k2", at(90), &TIMING).unwrap().signer.as_deref(), Some("k1"));
    let steps = settle(&mut set, 90);
    assert_eq!(steps[0], Step::Prepare { activates_at: at(132) });
    assert_eq!(signer(&set, 131), "k1");
    assert_eq!(signer(&set, 132), "k3");
    // k2 never signed, so it took nobody's place.
    assert_eq!(states(&set, 131), [("k1", State::Active), ("k2", State::Revoked), ("k3", State::Prepared)]);
}

#[test]
fn an_adopted_set_goes_on_signing_with_its_first_key() {
    let mut set = Schedule::adopt(&["first".into(), "second".into()], PERIOD, TTL, &TIMING, at(0)).unwrap();
    assert_eq!(signer(&set, 0), "first");
    assert_eq!(states(&set, 103), [("second", State::Retiring), ("first", State::Active)]);
    settle(&mut set, 0);
    assert_eq!(states(&set, 99)[1..], [("first", State::Active), ("k3", State::Prepared)]);
    assert_eq!(states(&set, 104)[0], ("second", State::Retired));
}

#[test]
fn a_longer_ttl_keeps_keys_published_longer() {
    let mut set = running();
    assert!(set.raise_max_ttl(GoDuration::from_secs(600), at(5)));
    assert!(!set.raise_max_ttl(GoDuration::from_secs(60), at(6)));
    assert_eq!(states(&set, 100 + 643)[0], ("k1", State::Retiring));
    assert_eq!(states(&set, 100 + 644)[0], ("k1", State::Retired));
}

#[test]
fn longer_times_put_off_a_prepared_key_until_it_was_published_for_so_long() {
    let mut set = running();
    let slower = Timing { max_age: GoDuration::from_secs(120), ..TIMING };
    // Shorter times, or those by which it was planned, change nothing.
    assert!(!set.put_off(at(99), &TIMING));
    assert!(set.put_off(at(99), &slower));
    assert!(!set.put_off(at(99), &slower));
    // The key was published at 0; lease, max-age and skew are 132 s.
    assert_eq!(signer(&set, 131), "k1");
    assert_eq!(signer(&set, 132), "k2");
    assert_eq!(set.due(at(99), &slower), []);
    // A key that signs already is not taken back.
    let mut set = running();
    assert!(!set.put_off(at(100), &slower));
    assert_eq!(signer(&set, 100), "k2");
    for timing in [
        Timing { lease: GoDuration::from_secs(100), ..TIMING },
        Timing { skew: GoDuration::from_secs(92), ..TIMING },
    ] {
        let mut set = running();
        assert!(set.put_off(at(99), &timing));
        assert_eq!(set.keys[1].activates_at, at(132));
    }
}

#[test]
fn a_clock_that_jumps_back_reactivates_nothing() {
    let mut set = running();
    settle(&mut set, 100);
    settle(&mut set, 112);
    assert_eq!(signer(&set, -3_600), "k2");
    assert_eq!(set.due(at(-3_600), &TIMING), []);
}

#[test]
fn a_server_that_slept_finds_the_prepared_key_signing() {
    let mut set = running();
    assert_eq!(signer(&set, 10_000), "k2");
    let steps = settle(&mut set, 10_000);
    assert_eq!(
        steps,
        [Step::Prepare { activates_at: at(10_042) }, Step::DestroyPrivate { kid: "k1".into() }]
    );
}

#[test]
fn it_is_kept_as_json() {
    let set = running();
    let json = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), set);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// Small times, in seconds, so that a run sees many rotations.
    const SMALL: Timing = Timing {
        lease: GoDuration::from_secs(2),
        skew: GoDuration::from_secs(1),
        max_age: GoDuration::from_secs(3),
    };
    const LEASE: i64 = 2;
    const SKEW: i64 = 1;
    const MAX_AGE: i64 = 3;
    const MAX_TTL: i64 = 5;

    #[derive(Clone, Copy, Debug)]
    enum Event {
        /// Nothing happens but time.
        Wait,
        /// Nobody does what is due in this second.
        Down,
        Rotate,
        Revoke(usize),
        Raise(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            12 => Just(Event::Wait),
            3 => Just(Event::Down),
            2 => Just(Event::Rotate),
            1 => (0_usize..4).prop_map(Event::Revoke),
            1 => (1..=MAX_TTL.unsigned_abs()).prop_map(Event::Raise),
        ]
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_000 + second)
    }

    fn prepare_at_once(set: &mut Schedule, ttl: GoDuration, now: Timestamp) {
        set.add(format!("k{}", set.keys.len() + 1), now, ttl, now);
    }

    /// The set as it was in each second, and the longest ttl of a template then.
    fn play(events: &[Event], timing: &Timing) -> Vec<(Schedule, i64)> {
        let mut ttl = 1_u64;
        let mut set = Schedule::new(GoDuration::from_secs(8), &SMALL, second(0)).unwrap();
        let mut history = Vec::new();
        for (now, event) in events.iter().enumerate() {
            let now = second(i64::try_from(now).unwrap());
            match event {
                Event::Wait | Event::Down => {}
                Event::Rotate => {
                    set.rotate(now, timing);
                }
                Event::Revoke(which) => {
                    let newest = set.keys.len().checked_sub(1 + which);
                    if let Some(kid) = newest.map(|position| set.keys[position].kid.clone())
                        && set.revoke(&kid, now, timing).is_ok_and(|revoked| revoked.signer.is_none())
                    {
                        prepare_at_once(&mut set, GoDuration::from_secs(ttl), now);
                    }
                }
                Event::Raise(longest) => {
                    ttl = ttl.max(*longest);
                    set.raise_max_ttl(GoDuration::from_secs(ttl), now);
                }
            }
            while !matches!(event, Event::Down) || set.keys.is_empty() {
                let steps = set.due(now, timing);
                if steps.is_empty() {
                    break;
                }
                for step in steps {
                    match step {
                        Step::Prepare { activates_at } => {
                            let kid = format!("k{}", set.keys.len() + 1);
                            set.add(kid, activates_at, GoDuration::from_secs(ttl), now);
                        }
                        Step::DestroyPrivate { kid } => set.destroyed(&kid, now),
                    }
                }
            }
            history.push((set.clone(), i64::try_from(ttl).unwrap()));
        }
        history
    }

    /// The first token that a verifier would refuse, if there is one. Any node may have signed it, with a
    /// list that is up to a lease old and a clock that is up to the skew ahead. Anybody verifies it until it
    /// ends, with a copy of the published set that is up to a max-age old and came from any node.
    fn first_refused(history: &[(Schedule, i64)], notice: i64) -> Option<String> {
        let end = i64::try_from(history.len()).unwrap();
        let view = |at: i64| &history[usize::try_from(at.max(0)).unwrap()].0;
        let last = &history.last()?.0;
        for signed in 0..end {
            for list in (signed - LEASE).max(0)..=signed {
                for ahead in 0..=SKEW {
                    let Some(signer) = view(list).active(second(signed + ahead)) else { continue };
                    let known = last.keys.iter().find(|key| key.kid == signer.kid).unwrap();
                    // A compromised key is refused on purpose, and the key that takes its place has had no
                    // notice.
                    let noticed = known.activates_at.since(known.published_at).as_secs();
                    if known.revoked_at.is_some() || noticed < notice.unsigned_abs() {
                        continue;
                    }
                    let ttl = history[usize::try_from(list).unwrap()].1;
                    for verified in signed..(signed + ttl + SKEW).min(end) {
                        for fetched in (verified - MAX_AGE).max(0)..=verified {
                            for shown in (fetched - LEASE).max(0)..=fetched {
                                let published = view(shown).published(second(fetched), &SMALL);
                                if !published.iter().any(|key| key.kid == signer.kid) {
                                    return Some(format!(
                                        "{} signed at {signed} (list of {list}), refused at {verified} with the set of {fetched} (list of {shown})",
                                        signer.kid
                                    ));
                                }
                            }
                        }
                    }
                }
            }
        }
        None
    }

    proptest! {
        #[test]
        fn there_is_always_one_signer(events in prop::collection::vec(event(), 1..120)) {
            for (now, ((set, _), event)) in play(&events, &SMALL).iter().zip(&events).enumerate() {
                let now = second(i64::try_from(now).unwrap());
                let states = set.states(now, &SMALL);
                let of = |wanted| states.iter().filter(|(_, state)| *state == wanted).count();
                prop_assert_eq!(of(State::Active), 1);
                prop_assert!(set.active(now).unwrap().has_private);
                if !matches!(event, Event::Down) {
                    prop_assert_eq!(of(State::Prepared), 1);
                    prop_assert!(set.due(now, &SMALL).is_empty());
                }
                for (key, state) in &states {
                    prop_assert!(!matches!(state, State::Retired) || now > key.activates_at);
                }
            }
        }

        #[test]
        fn no_good_token_is_ever_refused(events in prop::collection::vec(event(), 40..60)) {
            let notice = LEASE + MAX_AGE + SKEW;
            prop_assert_eq!(first_refused(&play(&events, &SMALL), notice), None);
        }
    }

    /// Without notice verifiers refuse tokens, so it is the rule that keeps them content.
    #[test]
    fn without_notice_tokens_are_refused() {
        let none = Timing {
            lease: GoDuration::default(),
            skew: GoDuration::default(),
            max_age: GoDuration::default(),
        };
        let mut events = vec![Event::Wait; 12];
        // Revoking the prepared key makes the server prepare a new one just before it has to sign.
        events[7] = Event::Revoke(0);
        assert!(first_refused(&play(&events, &none), 0).is_some());
    }
}
