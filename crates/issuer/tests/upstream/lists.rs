//! Sessions of an upstream in status lists: their places, and how it is found out that they are over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sessera_issuer::sessions::Presented;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::upstream::Rechecks;
use sessera_issuer::{Compiled, Introspection, Places, TokenIssuer};
use sessera_jose::{Algorithm, status_list};
use sessera_model::Uuid;
use sessera_store::observed::ObservedStore;
use sessera_store::{Change, Committer, Store};
use sessera_testing::Recording;

use super::world::{USUAL, World, broken};

/// How long nobody is asked about the same session again.
const PERIOD: Duration = Duration::from_secs(30);

/// An issuer whose template `t` has status lists, in front of an upstream.
struct Lists {
    world: Arc<World>,
    compiled: Compiled,
    store: Arc<ObservedStore<Recording>>,
    committer: Committer,
    tokens: TokenIssuer,
    rechecks: Rechecks,
}

impl Lists {
    /// At each look, `per_look` sessions are asked about.
    async fn new(per_look: u32) -> Self {
        let world = World::new(USUAL).await;
        let of = &world.deployment;
        of.put_key("k", Algorithm::Es256).await;
        let compiled = of.compiled(
            json!({"t": {"jwks_url": "set://k", "status_list": true}, "u": {"jwks_url": "set://k"}}),
        );
        let compiled = compiled.await;
        let store = Arc::new(ObservedStore::new(of.store.clone(), Recording::default()));
        let committer = Committer::new(store.clone(), vec![world.sessions.cache().clone()]);
        let tokens =
            TokenIssuer::new(world.clock.clone(), of.random.clone(), of.lease.clone(), world.metrics.clone());
        let places = Arc::new(Places::new(store.clone(), committer.clone()));
        let rechecks = Rechecks::new(
            world.source.clone(),
            store.clone(),
            committer.clone(),
            world.clock.clone(),
            world.metrics.clone(),
            per_look,
        );
        Self { tokens: tokens.giving_places(places), compiled, store, committer, rechecks, world }
    }

    async fn token(&self, template: &str, presented: &str) -> String {
        let live = self.world.sessions.live(&self.compiled, Presented::Token(presented)).await.unwrap();
        self.tokens.token(&self.compiled, template, &live, &mut TokenSteps::default()).await.unwrap()
    }

    fn claims(&self, token: &str) -> Value {
        Value::Object(self.world.deployment.checked(&self.compiled, "t", token).claims().unwrap())
    }

    /// The place that a token names.
    async fn place(&self, presented: &str) -> u64 {
        let token = self.token("t", presented).await;
        self.claims(&token)["status"]["status_list"]["idx"].as_u64().unwrap()
    }

    /// Whether the list of now refuses a place.
    async fn is_refused(&self, place: u64) -> bool {
        let lists = &self.world.deployment.status_lists;
        let list = lists.get(&self.compiled, "t", 0).await.unwrap().unwrap();
        let Value::Object(claims) = self.claims(&list.token) else { unreachable!() };
        status_list::status(&claims, place).unwrap() != status_list::VALID
    }

    async fn look(&self) -> Vec<u128> {
        self.rechecks.look(PERIOD).await.unwrap();
        self.world.asked_by_id()
    }

    /// How often changes of a kind were written since the last call.
    fn written(&self, kind: &str) -> usize {
        self.store.observer().notes().iter().filter(|note| *note == kind).count()
    }
}

#[tokio::test]
async fn a_session_gets_its_place_with_one_write_when_a_token_names_it() {
    let lists = Lists::new(8).await;
    lists.world.knows("one", 1);
    lists.world.knows("another credential of it", 1);
    lists.world.knows("two", 2);
    lists.token("u", "one").await;
    assert_eq!(lists.written("PlaceSession"), 0, "no token names it");
    let first = lists.place("one").await;
    assert_eq!(lists.written("PlaceSession"), 1);
    for credential in ["one", "another credential of it"] {
        assert_eq!(lists.place(credential).await, first);
    }
    lists.world.clock.advance(USUAL.ttl);
    assert_eq!(lists.place("one").await, first, "it was asked about anew");
    assert_eq!(lists.written("PlaceSession"), 0);
    assert_ne!(lists.place("two").await, first);
    assert!(!lists.is_refused(first).await);
}

#[tokio::test]
async fn a_session_that_ended_at_the_upstream_is_refused_after_the_recheck() {
    let lists = Lists::new(8).await;
    for (token, number) in [("one", 1), ("two", 2)] {
        lists.world.knows(token, number);
    }
    let (one, two) = (lists.place("one").await, lists.place("two").await);
    assert_eq!(lists.look().await, [], "they were live a moment ago");
    lists.world.ends("one");
    lists.world.clock.advance(PERIOD);
    assert_eq!(lists.look().await, [1, 2]);
    lists.world.clock.advance(PERIOD);
    assert!(lists.is_refused(one).await && !lists.is_refused(two).await);
    assert!(lists.world.sessions.in_memory(&lists.compiled, Presented::Token("one")).is_none());
    assert_eq!(lists.look().await, [2], "nobody asks about one that is over");
}

#[tokio::test]
async fn no_more_are_asked_about_than_the_budget_allows_and_the_longest_unasked_first() {
    let lists = Lists::new(2).await;
    for number in 1..=5 {
        let token = number.to_string();
        lists.world.knows(&token, number);
        lists.place(&token).await;
        lists.world.clock.advance(Duration::from_secs(1));
    }
    lists.world.clock.advance(PERIOD);
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(lists.look().await);
        lists.world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(asked, [vec![1, 2], vec![3, 4], vec![5]]);
    let age = Duration::from_secs_f64(lists.world.metrics.recheck_age.get());
    assert_eq!(age.as_secs(), 33, "the last one was placed 33 seconds before");
    assert_eq!(lists.look().await, []);
    lists.committer.commit(&[Change::Forget(Some(Uuid::from_u128(4)))]).await.unwrap();
    assert_eq!(lists.look().await, [4], "one that has changed is asked about at once");
}

#[tokio::test]
async fn one_about_which_the_upstream_says_nothing_is_asked_about_again() {
    let lists = Lists::new(8).await;
    lists.world.knows("one", 1);
    let place = lists.place("one").await;
    lists.world.clock.advance(PERIOD);
    lists.world.next(broken());
    assert_eq!(lists.look().await, [1]);
    assert_eq!(lists.look().await, [], "not at once: the upstream has trouble");
    lists.world.ends("one");
    lists.world.clock.advance(Duration::from_secs(60));
    assert!(!lists.is_refused(place).await, "nobody knows that it is over");
    assert_eq!(lists.look().await, [1]);
    lists.world.clock.advance(PERIOD);
    assert!(lists.is_refused(place).await);
}

#[tokio::test]
async fn a_token_is_found_good_in_memory_and_else_by_the_admin_api() {
    for template in ["t", "u"] {
        // Other nodes hear of a refused session in the background, and this one forgets it then, so each has a world of its own.
        let lists = Lists::new(8).await;
        let of = &lists.world.deployment;
        let (store, sessions) = (of.store.clone(), lists.world.sessions.clone());
        let introspection = Introspection::new(store, sessions, lists.world.clock.clone(), of.lease.clone());
        lists.world.knows("one", 1);
        let token = lists.token(template, "one").await;
        let found = async || {
            let found = introspection.active(&lists.compiled, &token).await.unwrap();
            found.map(|(_, live)| live.session.id.as_u128())
        };
        assert_eq!(found().await, Some(1));
        assert_eq!(lists.world.asked_by_id(), [], "{template}: it is in memory under its credential");
        lists.world.sessions.cache().drop_session(Uuid::from_u128(1));
        assert_eq!(found().await, Some(1));
        assert_eq!(found().await, Some(1));
        assert_eq!(lists.world.asked_by_id(), [1], "{template}");
        lists.world.ends("one");
        lists.world.clock.advance(USUAL.ttl);
        assert_eq!(found().await, None);
        let unknown = lists.store.session_elsewhere(sessera_model::StatusIndex::from_number(77)).await;
        assert_eq!(unknown.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_that_is_told_of_as_live_again_is_no_longer_refused() {
    let lists = Lists::new(8).await;
    lists.world.knows("one", 1);
    let place = lists.place("one").await;
    lists.world.clock.advance(PERIOD);
    // Something before the upstream answers in its name.
    lists.world.next(Ok(sessera_issuer::upstream::Reply::Unknown));
    assert_eq!(lists.look().await, [1]);
    lists.world.clock.advance(PERIOD);
    assert!(lists.is_refused(place).await);
    assert_eq!(lists.place("one").await, place);
    lists.world.clock.advance(PERIOD);
    assert!(!lists.is_refused(place).await, "whoami shows it");
    assert_eq!(lists.look().await, [1], "it is asked about again");
}
