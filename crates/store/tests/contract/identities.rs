//! Identities, their credentials and addresses.

use serde_json::json;
use sessera_model::{CredentialKind, Identity, Uuid};
use sessera_store::{Change, Conflict, IdentifierFilter, IdentityFilter, Matching, Store};

use super::{conflict, one, page, password, person, session, uuid};

pub(crate) async fn identities_come_back_as_they_went_in(store: &dyn Store) {
    let mut ada = person("ada@example.org");
    ada.external_id = Some("crm-1".into());
    store.commit(&[Change::InsertIdentity(ada.clone()), password(&ada, "ada@example.org")]).await.unwrap();
    assert_eq!(store.identity(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.identity_by_external_id("crm-1").await.unwrap().unwrap().id, ada.id);
    let by = store.identity_by_identifier(CredentialKind::Password, "ada@example.org").await.unwrap();
    assert_eq!(by.unwrap().id, ada.id);
    assert_eq!(store.identity_by_identifier(CredentialKind::Totp, "ada@example.org").await.unwrap(), None);
    assert_eq!(store.identity_by_address("email", "ada@example.org").await.unwrap().unwrap().id, ada.id);
    let credentials = store.credentials(ada.id).await.unwrap();
    assert_eq!(credentials[0].config.text("hashed_password"), Some("the-hash"));
    assert_eq!(store.credentials_of(&[ada.id, uuid()]).await.unwrap(), [(ada.id, credentials[0].clone())]);
    assert_eq!(store.identity(uuid()).await.unwrap(), None);
}

pub(crate) async fn taken_values_are_refused_and_nothing_is_half_done(store: &dyn Store) {
    let mut ada = person("ada@example.org");
    ada.external_id = Some("crm-1".into());
    store.commit(&[Change::InsertIdentity(ada.clone()), password(&ada, "ada")]).await.unwrap();
    let bob = person("bob@example.org");
    let refused = store.commit(&[Change::InsertIdentity(bob.clone()), password(&bob, "ada")]).await;
    assert_eq!(conflict(refused), Some(Conflict::Identifier));
    assert_eq!(store.identity(bob.id).await.unwrap(), None, "the whole commit is undone");
    assert_eq!(one(store, Change::InsertIdentity(person("ada@example.org"))).await, Some(Conflict::Address));
    let twin = Identity { external_id: Some("crm-1".into()), ..person("twin@example.org") };
    assert_eq!(one(store, Change::InsertIdentity(twin)).await, Some(Conflict::ExternalId));
    assert_eq!(one(store, password(&bob, "bob")).await, Some(Conflict::Missing));
}

pub(crate) async fn a_change_names_the_version_it_was_made_from(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let mut changed = ada.clone();
    changed.traits = json!({"email": "new@example.org"});
    changed.verifiable_addresses[0].value = "new@example.org".into();
    assert_eq!(one(store, Change::UpdateIdentity(changed.clone())).await, None);
    assert_eq!(one(store, Change::UpdateIdentity(changed.clone())).await, Some(Conflict::Changed));
    let stored = store.identity(ada.id).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.traits), (2, &changed.traits));
    assert_eq!(store.identity_by_address("email", "new@example.org").await.unwrap().unwrap().id, ada.id);
}

pub(crate) async fn deleting_an_identity_takes_everything_with_it(store: &dyn Store) {
    let ada = person("ada@example.org");
    let stored = session(&ada, "t", 0);
    let changes =
        [Change::InsertIdentity(ada.clone()), password(&ada, "ada"), Change::InsertSession(stored.clone())];
    store.commit(&changes).await.unwrap();
    assert_eq!(one(store, Change::DeleteIdentity(ada.id)).await, None);
    assert_eq!(one(store, Change::DeleteIdentity(ada.id)).await, Some(Conflict::Missing));
    assert_eq!(store.session_by_token(&stored.token).await.unwrap(), None);
    assert!(store.credentials(ada.id).await.unwrap().is_empty());
    store.commit(&changes).await.unwrap();
}

fn exactly(identifier: &str) -> IdentifierFilter {
    IdentifierFilter { typed: identifier.into(), link: identifier.into(), matching: Matching::Whole }
}

/// How many people are found by what they type, or by their links.
async fn found(store: &dyn Store, typed: &str, link: &str, matching: Matching) -> usize {
    let identifier = Some(IdentifierFilter { typed: typed.into(), link: link.into(), matching });
    store.identities(&IdentityFilter { ids: vec![], identifier }, &page(10)).await.unwrap().len()
}

pub(crate) async fn people_are_found_by_what_they_type_and_by_their_links(store: &dyn Store) {
    let (ada, bob) = (person("ada@example.org"), person("bob@example.org"));
    let other = |kind, identifier: &str| {
        let mut change = password(&bob, identifier);
        if let Change::PutCredential(of) = &mut change {
            of.credential.kind = kind;
        }
        change
    };
    let credentials = [
        password(&ada, "ada%_@example.org"),
        other(CredentialKind::Oidc, "Google:1"),
        other(CredentialKind::Totp, "ada"),
    ];
    store.commit(&[ada, bob.clone()].map(Change::InsertIdentity)).await.unwrap();
    store.commit(&credentials).await.unwrap();
    for (typed, link, begins, count) in [
        ("ada%_@example.org", "-", false, 1),
        ("ada", "-", false, 0),
        ("ada", "-", true, 1),
        ("%", "-", true, 0),
        ("-", "Google:1", false, 1),
        ("-", "Google:", true, 1),
        ("-", "google:1", false, 0),
        ("ada", "Goo", true, 2),
        ("Google:1", "ada%_@example.org", true, 0),
    ] {
        let ways =
            if begins { vec![Matching::Beginning, Matching::FirstBeginning] } else { vec![Matching::Whole] };
        for matching in ways {
            assert_eq!(found(store, typed, link, matching).await, count, "{typed} {link} {matching:?}");
        }
    }
}

pub(crate) async fn the_first_people_are_found_in_the_order_of_what_they_type(store: &dyn Store) {
    let all: Vec<Identity> = (0..9).map(|n| person(&format!("p{n}@example.org"))).collect();
    for (n, identity) in all.iter().enumerate() {
        // The name that comes first counts, and they come in the same order in every language.
        let names = [format!("p{}", 8 - n), "pz".to_owned() + &n.to_string()];
        let mut change = password(identity, "");
        if let Change::PutCredential(of) = &mut change {
            of.credential.identifiers = names.into();
        }
        store.commit(&[Change::InsertIdentity(identity.clone()), change]).await.unwrap();
    }
    let first = |typed: &str, limit| {
        let matching = Matching::FirstBeginning;
        let identifier = Some(IdentifierFilter { typed: typed.into(), link: typed.into(), matching });
        let (filter, page) = (IdentityFilter { ids: vec![], identifier }, page(limit));
        async move { store.identities(&filter, &page).await.unwrap().into_iter().map(|one| one.id) }
    };
    let ids = |of: &[usize]| of.iter().map(|n| all[*n].id).collect::<Vec<_>>();
    assert_eq!(first("p", 3).await.collect::<Vec<_>>(), ids(&[8, 7, 6]));
    assert_eq!(first("pz", 2).await.collect::<Vec<_>>(), ids(&[0, 1]));
    assert_eq!(first("p", 20).await.count(), 9, "each one is found once");
}

pub(crate) async fn identities_are_paged_by_key(store: &dyn Store) {
    let mut all: Vec<Identity> = (0..5).map(|n| person(&format!("p{n}@example.org"))).collect();
    for (n, identity) in all.iter().enumerate() {
        store
            .commit(&[Change::InsertIdentity(identity.clone()), password(identity, &format!("p{n}"))])
            .await
            .unwrap();
    }
    all.sort_by_key(|identity| identity.id);
    let mut seen = Vec::new();
    let mut next = page(2);
    loop {
        let part = store.identities(&IdentityFilter::default(), &next).await.unwrap();
        let Some(last) = part.last() else { break };
        next.after = Some(last.id);
        seen.extend(part);
    }
    assert_eq!(seen, all);
    assert_eq!(store.count_identities().await.unwrap(), 5);
    let filter = IdentityFilter { identifier: Some(exactly("p3")), ..IdentityFilter::default() };
    assert_eq!(store.identities(&filter, &page(10)).await.unwrap().len(), 1);
    let filter = IdentityFilter { ids: vec![all[4].id, all[0].id, uuid()], ..IdentityFilter::default() };
    let found: Vec<Uuid> = store.identities(&filter, &page(10)).await.unwrap().iter().map(|i| i.id).collect();
    assert_eq!(found, [all[0].id, all[4].id]);
    let gone_first = IdentityFilter { ids: vec![Uuid::from_u128(1), all[2].id], ..filter.clone() };
    let found = store.identities(&gone_first, &page(1)).await.unwrap();
    assert_eq!(found, [all[2].clone()], "an id of nobody takes no place in the page");
    let both = IdentityFilter { ids: vec![all[0].id, all[4].id], identifier: Some(exactly("nobody")) };
    assert!(store.identities(&both, &page(10)).await.unwrap().is_empty(), "both conditions hold");
}
