//! How long answers are kept, who shares a question, and when nobody asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sessera_issuer::IssuerError;
use sessera_issuer::sessions::Named;
use sessera_issuer::upstream::{Bounds, RefusalKind, UpstreamError};
use sessera_model::Uuid;

use super::world::{Answered, USUAL, World, broken, refusal, told, told_for, until};

#[tokio::test]
async fn an_answer_is_kept_for_the_shortest_of_all_times() {
    for (ttl, expires, cache_for, kept) in [
        (30, 3600, None, 30),
        (30, 3600, Some(7), 7),
        (30, 3600, Some(70), 30),
        (30, 3600, Some(0), 0),
        (30, 20, Some(25), 20),
        (0, 3600, None, 0),
    ] {
        let world = World::new(Bounds { ttl: Duration::from_secs(ttl), ..USUAL }).await;
        world.next(Ok(told_for(&world.session_for(1, expires), cache_for)));
        assert_eq!(world.ask("t").await, Answered::Session(1));
        world.asked();
        if kept > 0 {
            world.clock.advance(Duration::from_micros(kept * 1_000_000 - 1));
            assert_eq!(world.ask("t").await, Answered::Session(1));
            assert_eq!(world.asked(), 0, "{ttl} {expires} {cache_for:?}");
            world.clock.advance(Duration::from_micros(1));
        }
        assert_eq!(world.ask("t").await, Answered::NoSession, "it was revoked there");
        assert_eq!(world.asked(), 1, "{ttl} {expires} {cache_for:?}");
    }
}

#[tokio::test]
async fn when_the_upstream_asks_for_a_pause_nobody_is_sent_there_until_it_is_over() {
    for (said, pause) in [(Some(5), 5), (None, 1)] {
        let world = World::new(USUAL).await;
        world.next(Ok(refusal(RefusalKind::TooMany, said)));
        assert_eq!(world.ask("t").await, Answered::TooMany(pause), "all are told the same");
        world.knows("t", 1);
        world.asked();
        for token in ["t", "another"] {
            assert_eq!(world.ask(token).await, Answered::TooMany(pause));
        }
        assert_eq!(world.asked(), 0);
        world.clock.advance(Duration::from_secs(pause));
        assert_eq!(world.ask("t").await, Answered::Session(1));
    }
}

#[tokio::test]
async fn a_pause_of_the_admin_api_is_none_of_the_public_one() {
    let world = World::new(USUAL).await;
    world.knows("t", 1);
    let by_id = async || {
        let named = world.sessions.named(&world.compiled, Named::Id(Uuid::from_u128(7))).await;
        matches!(named, Err(IssuerError::Upstream(UpstreamError::Refused(_) | UpstreamError::Paused(_))))
    };
    world.next(Ok(refusal(RefusalKind::TooMany, Some(60))));
    assert!(by_id().await, "it asks for a pause");
    assert_eq!(world.ask("t").await, Answered::Session(1));
    assert!(by_id().await, "it is not over");
    assert_eq!(world.asked_by_id(), [7], "and nobody is sent there");
}

#[tokio::test]
async fn what_is_wrong_with_one_api_is_told_whatever_the_other_answers() {
    let world = World::new(USUAL).await;
    let by_id = async || world.sessions.named(&world.compiled, Named::Id(Uuid::from_u128(7))).await;
    world.next(broken());
    assert!(matches!(world.ask("t").await, Answered::Nothing(_)));
    assert!(by_id().await.unwrap().is_none(), "the admin API answers");
    let told = world.source.outage().unwrap();
    assert!(told.contains("session.upstream.url") && !told.contains("admin_url"), "{told}");
    world.next(broken());
    assert!(by_id().await.is_err());
    assert!(
        world
            .source
            .outage()
            .unwrap()
            .contains("; it answered with the status 500 (session.upstream.admin_url)")
    );
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    assert!(!world.source.outage().unwrap().contains("session.upstream.url"));
}

#[tokio::test]
async fn what_is_a_little_too_old_is_answered_only_while_nobody_can_say_and_where_it_is_allowed() {
    let world = World::stale(USUAL, Duration::from_secs(60)).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(Duration::from_secs(60));
    world.next(broken());
    assert_eq!(world.ask("t").await, Answered::Session(1), "the upstream gives no answer");
    assert_eq!(world.metrics.stale_answers.get(), 1);
    world.next(Ok(refusal(RefusalKind::TooMany, Some(1))));
    assert_eq!(world.ask("t").await, Answered::TooMany(1), "that is an answer");
    world.clock.advance(Duration::from_secs(29));
    world.next(broken());
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(Duration::from_secs(1));
    world.next(broken());
    assert!(matches!(world.ask("t").await, Answered::Nothing(_)), "it is too old");
    world.ends("t");
    assert_eq!(world.ask("t").await, Answered::NoSession, "the upstream says so");
}

#[tokio::test]
async fn another_person_s_session_for_the_same_token_takes_the_place_of_the_first() {
    let world = World::new(USUAL).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.knows("t", 2);
    world.clock.advance(Duration::from_secs(30));
    for _ in 0..2 {
        assert_eq!(world.ask("t").await, Answered::Session(2));
    }
}

/// By how much a clock is off.
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_clock_that_is_an_hour_ahead_ends_sessions_early_and_says_so() {
    let world = World::new(USUAL).await;
    let (soon, later) = (world.session_for(1, 1800), world.session_for(2, 5400));
    world.clock.advance(HOUR);
    world.next(Ok(told(&soon)));
    let Answered::Nothing(reason) = world.ask("t").await else { panic!("it has ended by this clock") };
    assert!(reason.contains("clock"), "{reason}");
    assert_eq!(world.source.outage().as_deref().map(|outage| outage.contains("clock")), Some(true));
    world.next(Ok(told(&later)));
    assert_eq!(world.ask("t").await, Answered::Session(2), "it has half an hour left by this clock");
    assert_eq!(world.source.outage(), None);
}

#[tokio::test]
async fn a_clock_that_is_an_hour_behind_keeps_a_session_no_longer_than_any_other_answer() {
    let world = World::new(USUAL).await;
    // By the upstream's clock it has ten seconds left.
    world.next(Ok(told(&world.session_for(1, 3610))));
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(USUAL.ttl);
    assert_eq!(world.ask("t").await, Answered::NoSession, "the upstream has ended it long ago");
}

#[tokio::test]
async fn a_herd_with_one_credential_is_one_question() {
    let world = World::new(USUAL).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(USUAL.ttl);
    world.asked();
    world.upstream.held.send_replace(true);
    let misses = world.metrics.cache_misses.get();
    let herd: Vec<_> = (0..2000).map(|_| world.asking("t")).collect();
    until(|| world.metrics.cache_misses.get() == misses + 2000).await;
    world.upstream.held.send_replace(false);
    for request in herd {
        assert_eq!(request.await.unwrap(), Answered::Session(1));
    }
    assert_eq!((world.asked(), world.metrics.upstream_joined.get()), (1, 1999));
}

#[tokio::test]
async fn never_more_questions_than_allowed_are_under_way() {
    let world = World::new(Bounds { max_in_flight: 5, ..USUAL }).await;
    world.upstream.held.send_replace(true);
    let herd: Vec<_> = (0..2000)
        .map(|number| {
            world.knows(&number.to_string(), number);
            (number, world.asking(&number.to_string()))
        })
        .collect();
    until(|| {
        world.metrics.cache_misses.get() == 2000 && world.upstream.under_way.load(Ordering::SeqCst) == 5
    })
    .await;
    world.upstream.held.send_replace(false);
    for (number, request) in herd {
        assert_eq!(request.await.unwrap(), Answered::Session(number));
    }
    assert_eq!((world.asked(), world.upstream.most_under_way.load(Ordering::SeqCst)), (2000, 5));
}

#[tokio::test]
async fn who_waits_for_an_answer_or_a_turn_for_too_long_is_told_to_come_back() {
    let bounds = Bounds { timeout: Duration::from_millis(50), max_in_flight: 1, ..USUAL };
    let world = World::new(bounds).await;
    world.upstream.held.send_replace(true);
    // The second may get its turn when the first gives up, but not the third, too.
    let clients = ["a", "b", "c"].map(|token| world.asking(token));
    let mut told = String::new();
    for client in clients {
        let Answered::Nothing(reason) = client.await.unwrap() else { panic!("there is no answer") };
        told += &reason;
    }
    assert!(told.contains("did not answer within") && told.contains("too many questions"), "{told}");
}

#[tokio::test]
async fn a_question_that_was_asked_before_a_change_is_not_joined_after_it() {
    let world = World::new(USUAL).await;
    world.upstream.held.send_replace(true);
    world.next(Ok(told(&world.session(1))));
    let early = world.asking("t");
    until(|| world.upstream.under_way.load(Ordering::SeqCst) == 1).await;
    world.sessions.cache().drop_session(Uuid::from_u128(1));
    let late = world.asking("t");
    until(|| world.upstream.under_way.load(Ordering::SeqCst) == 2).await;
    world.upstream.held.send_replace(false);
    assert_eq!(early.await.unwrap(), Answered::Session(1));
    assert_eq!(late.await.unwrap(), Answered::NoSession);
    assert_eq!(world.ask("t").await, Answered::NoSession, "what was answered before the change is not kept");
}
