//! Calls of web hooks that do not go well.

use serde_json::json;
use sessera_config::Config;
use tokio::sync::Notify;

use super::*;
use crate::testing::{StubHooks, hook, turned_down};

fn compiled(more: Value) -> Arc<WebHook> {
    let hooks = json!([hook("/x", more)]);
    let tree = json!({"selfservice": {"flows": {"login": {"before": {"hooks": hooks}}}}});
    let config = Config::from_tree(&tree).unwrap();
    Arc::new(WebHook::compile(&config.selfservice.flows.web_hooks()[0], &config.reach).unwrap())
}

fn parse() -> Arc<WebHook> {
    compiled(json!({"response": {"parse": true}}))
}

fn hooks() -> (Arc<StubHooks>, WebHooks) {
    let stub = Arc::new(StubHooks::default());
    (stub.clone(), WebHooks::new(stub, Metrics::new().unwrap()))
}

// Time jumps as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn a_hook_in_trouble_is_called_three_times_and_one_that_is_slow_once() {
    let (stub, hooks) = hooks();
    for (answer, calls, failure) in [
        (Ok(Reply::Troubled("503".into())), 3, HookFailure::Unanswered),
        (Err(Unanswered::Away("refused".into())), 3, HookFailure::Unanswered),
        (Err(Unanswered::TimedOut), 1, HookFailure::TimedOut),
        (Err(Unanswered::Impossible("private".into())), 1, HookFailure::Unanswered),
        (Ok(Reply::Strange("302".into())), 1, HookFailure::Unanswered),
        (Ok(turned_down("nope")), 1, HookFailure::NoReason),
        (Ok(turned_down("{}")), 1, HookFailure::NoReason),
        (Ok(Reply::Told(b"nope".to_vec())), 1, HookFailure::Unreadable),
    ] {
        stub.answer("/x", answer.clone());
        let begun = tokio::time::Instant::now();
        assert_eq!(hooks.call(&parse(), json!({})).await, Err(failure), "{answer:?}");
        assert_eq!(stub.calls().len(), calls, "{answer:?}");
        assert_eq!(begun.elapsed().as_secs(), if calls == 3 { 3 } else { 0 });
    }
}

#[tokio::test]
async fn an_answer_counts_as_the_configuration_says() {
    let (stub, hooks) = hooks();
    let (plain, interrupts) = (compiled(json!({})), compiled(json!({"can_interrupt": true})));
    stub.answer("/x", crate::testing::refusal("#/password"));
    assert_eq!(hooks.call(&plain, json!({})).await, Err(HookFailure::Unanswered));
    for hook in [&interrupts, &parse()] {
        assert!(
            matches!(hooks.call(hook, json!({})).await, Ok(Said::Refused(notices)) if notices.len() == 1)
        );
    }
    stub.answer("/x", crate::testing::change(json!({"metadata_public": {"a": 1}})));
    for hook in [&plain, &interrupts] {
        assert_eq!(hooks.call(hook, json!({})).await, Ok(Said::GoOn));
    }
    assert!(matches!(hooks.call(&parse(), json!({})).await, Ok(Said::Change(_))));
    let called_off = compiled(json!({"body": "base64://ZXJyb3IgJ2NhbmNlbCc="}));
    let broken = compiled(json!({"body": "base64://ZXJyb3IgJ25vJw=="}));
    stub.calls();
    assert_eq!(hooks.call(&called_off, json!({})).await, Ok(Said::GoOn));
    assert_eq!(hooks.call(&broken, json!({})).await, Err(HookFailure::Broken));
    assert!(stub.calls().is_empty(), "neither of them was called");
}

/// Somebody who answers when told to.
#[derive(Default)]
struct Held(Notify, Notify);

#[async_trait::async_trait]
impl HookCaller for Held {
    async fn call(&self, _: &HookRequest) -> Result<Reply, Unanswered> {
        self.0.notify_one();
        self.1.notified().await;
        Ok(Reply::Well)
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_ignored_and_few_are_told_at_once() {
    let held = Arc::new(Held::default());
    let hooks = WebHooks::new(held.clone(), Metrics::new().unwrap());
    let ignored = compiled(json!({"response": {"ignore": true}}));
    for _ in 0..MOST_BESIDE + 10 {
        assert_eq!(hooks.call(&ignored, json!({})).await, Ok(Said::GoOn));
    }
    assert_eq!(hooks.beside.available_permits(), 0);
    // One that has ended makes room for another one.
    held.0.notified().await;
    held.1.notify_one();
    while hooks.beside.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hooks.metrics.web_hooks(HookOutcome::Dropped), 10);
}
