//! Key sets as their owners edit them.

mod deployment;

use std::time::Duration;

use base64::Engine as _;
use deployment::Deployment;
use serde_json::json;
use sessera_issuer::key_sets::{KeySetsError, NewKey, check_name, shown};
use sessera_jose::{Algorithm, Jwk, JwkSet};
use sessera_model::{Clock as _, GoDuration};
use sessera_store::{Conflict, StoreError};

async fn key(kid: &str) -> Jwk {
    let new = NewKey { algorithm: Algorithm::Es256, kid: kid.into(), key_use: "sig", bits: None };
    new.generate().await.unwrap()
}

async fn kids(deployment: &Deployment, set: &str) -> Vec<String> {
    let set = deployment.key_sets.find(set).await.unwrap();
    set.keys.into_iter().map(|key| key.kid).collect()
}

#[tokio::test]
async fn a_key_that_is_added_comes_last_and_one_that_is_put_keeps_its_place() {
    let deployment = Deployment::start().await;
    let (compiled, sets) = (deployment.compiled(json!({})).await, &deployment.key_sets);
    for kid in ["a", "b"] {
        sets.add(&compiled, "s", &key(kid).await).await.unwrap();
    }
    let taken = sets.add(&compiled, "s", &key("a").await).await;
    assert!(matches!(taken, Err(KeySetsError::KidTaken(kid)) if kid == "a"));
    sets.put_key(&compiled, "s", &key("a").await).await.unwrap();
    sets.put_key(&compiled, "s", &key("c").await).await.unwrap();
    assert_eq!(kids(&deployment, "s").await, ["a", "b", "c"]);
    sets.delete_key(&compiled, "s", "b").await.unwrap();
    let gone = sets.delete_key(&compiled, "s", "b").await;
    assert!(matches!(gone, Err(KeySetsError::NoSuchKey { .. })));
    assert_eq!(kids(&deployment, "s").await, ["a", "c"]);
}

#[tokio::test]
async fn a_set_is_replaced_while_it_has_the_version_that_was_read_and_its_keys_keep_their_age() {
    let deployment = Deployment::start().await;
    let (compiled, sets) = (deployment.compiled(json!({})).await, &deployment.key_sets);
    let (old, new) = (key("old").await, key("new").await);
    sets.add(&compiled, "s", &old).await.unwrap();
    let made = deployment.clock.now();
    deployment.clock.advance(Duration::from_secs(60));
    let read = sets.find("s").await.unwrap().version;
    let both = JwkSet::new(vec![new, old]).unwrap();
    sets.replace(&compiled, "s", &both, |version| version == read).await.unwrap();
    let ages: Vec<_> =
        sets.find("s").await.unwrap().keys.into_iter().map(|key| (key.kid, key.created_at)).collect();
    assert_eq!(ages, [("new".to_owned(), deployment.clock.now()), ("old".to_owned(), made)]);
    let outdated = sets.replace(&compiled, "s", &both, |version| version == read).await;
    assert!(matches!(outdated, Err(KeySetsError::OtherVersion)));
}

#[tokio::test]
async fn a_set_that_a_template_signs_with_stays_one_that_it_can_sign_with() {
    let deployment = Deployment::start().await;
    deployment.put_key("s", Algorithm::Es256).await;
    let compiled = deployment.compiled(json!({"t": {"jwks_url": "set://s", "ttl": "1m"}})).await;
    let sets = &deployment.key_sets;
    let before = kids(&deployment, "s").await;
    let in_use = sets.delete(&compiled, "s").await;
    assert!(matches!(in_use, Err(KeySetsError::InUse { template, .. }) if template == "t"));
    let last = sets.delete_key(&compiled, "s", &before[0]).await;
    assert!(matches!(last, Err(KeySetsError::WouldBreak { .. })), "{last:?}");
    assert_eq!(kids(&deployment, "s").await, before);
    let unused = deployment.compiled(json!({})).await;
    sets.delete(&unused, "s").await.unwrap();
    assert!(matches!(sets.delete(&unused, "s").await, Err(KeySetsError::NoSuchSet(_))));
}

#[tokio::test]
async fn a_key_that_is_too_short_for_its_algorithm_is_not_stored_by_any_way() {
    let deployment = Deployment::start().await;
    let (compiled, sets) = (deployment.compiled(json!({})).await, &deployment.key_sets);
    let secret = |length: usize, alg: Option<&str>| {
        let k = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![7; length]);
        let alg = alg.map(|alg| format!(r#""alg":"{alg}","#)).unwrap_or_default();
        Jwk::parse(format!(r#"{{"kty":"oct","kid":"k",{alg}"k":"{k}"}}"#).as_bytes()).unwrap()
    };
    for (alg, needed) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        for length in [1, needed - 1] {
            let short = secret(length, Some(alg));
            let set = JwkSet::new(vec![short.clone()]).unwrap();
            for outcome in [
                sets.add(&compiled, "s", &short).await,
                sets.put_key(&compiled, "s", &short).await,
                sets.replace(&compiled, "s", &set, |_| true).await,
            ] {
                let said = outcome.unwrap_err().to_string();
                assert!(said.contains(&format!("at least {needed}")), "{alg} {length}: {said}");
            }
        }
        sets.put_key(&compiled, "s", &secret(needed, Some(alg))).await.unwrap();
    }
    let rsa = Jwk::parse(br#"{"kty":"RSA","kid":"k","alg":"RS256","n":"AQAB","e":"AQAB"}"#).unwrap();
    assert!(sets.put_key(&compiled, "s", &rsa).await.unwrap_err().to_string().contains("2048"));
    // It signs nothing.
    sets.put_key(&compiled, "s", &secret(1, None)).await.unwrap();
}

#[tokio::test]
async fn a_managed_set_is_not_edited_and_shows_no_private_key() {
    let deployment = Deployment::start().await;
    let (compiled, sets) = (deployment.compiled(json!({})).await, &deployment.key_sets);
    let hour = GoDuration::new(Duration::from_secs(3600));
    deployment.managed_keys.create(&compiled, "m", Some(Algorithm::Es256), hour).await.unwrap();
    let kid = kids(&deployment, "m").await.remove(0);
    let spare = key("x").await;
    for refused in [
        sets.add(&compiled, "m", &spare).await,
        sets.put_key(&compiled, "m", &spare).await,
        sets.delete_key(&compiled, "m", &kid).await,
        sets.replace(&compiled, "m", &JwkSet::new(vec![spare.clone()]).unwrap(), |_| true).await,
    ] {
        assert!(matches!(refused, Err(KeySetsError::Managed(_))), "{refused:?}");
    }
    let set = sets.find("m").await.unwrap();
    let (timing, now) = (&compiled.settings.timing, deployment.clock.now());
    for keys in [shown(&set, None, timing, now).unwrap(), shown(&set, Some(&kid), timing, now).unwrap()] {
        assert!(!keys.is_empty() && keys.iter().all(|key| key.get("d").is_none()), "{keys:?}");
    }
}

#[tokio::test]
async fn a_set_has_a_bounded_number_of_keys() {
    let deployment = Deployment::start().await;
    let compiled = deployment.compiled(json!({})).await;
    let keys = |count: usize| {
        let key = |number: usize| json!({"kty": "oct", "kid": number.to_string(), "k": "c2VjcmV0"});
        JwkSet::from_value(json!({"keys": (0..count).map(key).collect::<Vec<_>>()})).unwrap()
    };
    let sets = &deployment.key_sets;
    sets.replace(&compiled, "s", &keys(500), |_| true).await.unwrap();
    let refused = sets.replace(&compiled, "s", &keys(501), |_| true).await;
    assert!(matches!(refused, Err(KeySetsError::TooManyKeys)), "{refused:?}");
    let another = Jwk::from_value(json!({"kty": "oct", "kid": "another", "k": "c2VjcmV0"})).unwrap();
    let refused = sets.add(&compiled, "s", &another).await;
    assert!(matches!(refused, Err(KeySetsError::TooManyKeys)), "{refused:?}");
    assert_eq!(sets.find("s").await.unwrap().keys.len(), 500);
}

#[test]
fn names_stand_in_paths_without_surprises() {
    for good in ["a", "Schlüssel 1", "..a", &"x".repeat(255)] {
        check_name(good).unwrap();
    }
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "a\n",
        "a\u{202e}b",
        "a\u{2066}",
        "\u{200b}",
        &"x".repeat(256),
        &"x".repeat(1 << 20),
    ] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn one_id_for_two_published_keys_is_refused_where_the_second_is_set_up() {
    let deployment = Deployment::start().await;
    let sets = &deployment.key_sets;
    let unused = deployment.compiled(json!({})).await;
    let first = key("same").await;
    sets.add(&unused, "a", &first).await.unwrap();
    sets.add(&unused, "b", &key("other").await).await.unwrap();
    let both = json!({"a": {"jwks_url": "set://a", "ttl": "1m"}, "b": {"jwks_url": "set://b", "ttl": "1m"}});
    let compiled = deployment.compiled(both).await;
    let clash = |outcome: Result<(), KeySetsError>| matches!(outcome, Err(KeySetsError::KidClash(text)) if text.contains("\"same\""));
    assert!(clash(sets.add(&compiled, "b", &key("same").await).await));
    assert!(clash(sets.put_key(&compiled, "b", &key("same").await).await));
    let all = JwkSet::new(vec![key("same").await]).unwrap();
    assert!(clash(sets.replace(&compiled, "b", &all, |_| true).await));
    // The same key in both is published once, and a set that no template signs with is its owner's alone.
    sets.add(&compiled, "b", &first).await.unwrap();
    sets.add(&compiled, "c", &key("same").await).await.unwrap();
    // A template whose set comes later counts as well.
    let before =
        json!({"a": {"jwks_url": "set://a", "ttl": "1m"}, "later": {"jwks_url": "set://later", "ttl": "1m"}});
    let compiled = deployment.compiled(before).await;
    assert!(clash(sets.add(&compiled, "later", &key("same").await).await));
    assert!(clash(sets.replace(&compiled, "later", &all, |_| true).await));
    // Where two clash already, a third one is no matter of course.
    sets.replace(&unused, "b", &all, |_| true).await.unwrap();
    let three = json!({
        "a": {"jwks_url": "set://a", "ttl": "1m"}, "b": {"jwks_url": "set://b", "ttl": "1m"},
        "third": {"jwks_url": "set://third", "ttl": "1m"},
    });
    let compiled = deployment.compiled(three).await;
    assert!(clash(sets.add(&compiled, "third", &key("same").await).await));
}

#[tokio::test]
async fn of_two_nodes_that_set_up_one_id_at_once_the_second_is_refused() {
    let deployment = Deployment::start().await;
    let sets = &deployment.key_sets;
    let unused = deployment.compiled(json!({})).await;
    for set in ["a", "b"] {
        sets.add(&unused, set, &key(set).await).await.unwrap();
    }
    let both = json!({"a": {"jwks_url": "set://a", "ttl": "1m"}, "b": {"jwks_url": "set://b", "ttl": "1m"}});
    let compiled = deployment.compiled(both).await;
    let version = deployment.store.configuration_version().await.unwrap();
    sets.judged_by(version).add(&compiled, "a", &key("same").await).await.unwrap();
    // The other node has not heard of that yet, and to what it knows the id is new.
    let late = sets.judged_by(version);
    for outcome in [
        late.add(&compiled, "b", &key("same").await).await,
        late.put_key(&compiled, "b", &key("same").await).await,
        late.delete(&unused, "b").await,
    ] {
        let is_refused = matches!(outcome, Err(KeySetsError::Store(StoreError::Conflict(Conflict::Changed))));
        assert!(is_refused, "{outcome:?}");
    }
}
