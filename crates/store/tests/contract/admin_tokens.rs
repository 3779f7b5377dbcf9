//! Tokens of the admin API.

use sessera_model::{Role, TokenHash};
use sessera_store::{AdminToken, Change, Conflict, Store};

use super::{at, one};

fn token(name: &str, role: Role) -> AdminToken {
    AdminToken {
        name: name.into(),
        role,
        hash: TokenHash::of(name),
        created_at: at(1),
        expires_at: (role == Role::Viewer).then(|| at(2)),
    }
}

pub(crate) async fn an_admin_token_is_found_by_its_hash_until_it_is_deleted(store: &dyn Store) {
    let all = [token("Z", Role::Owner), token("a", Role::Viewer), token("b", Role::Operator)];
    for token in all.iter().rev() {
        assert_eq!(one(store, Change::InsertAdminToken(token.clone())).await, None);
    }
    assert_eq!(store.admin_tokens().await.unwrap(), all);
    let again = AdminToken { hash: TokenHash::of("other"), ..all[0].clone() };
    assert_eq!(one(store, Change::InsertAdminToken(again)).await, Some(Conflict::Changed));
    assert_eq!(store.admin_token(&all[0].hash).await.unwrap().as_ref(), Some(&all[0]));
    assert_eq!(store.admin_token(&TokenHash::of("other")).await.unwrap(), None);
    let delete = || Change::DeleteAdminToken("Z".into());
    assert_eq!(one(store, delete()).await, None);
    assert_eq!(one(store, delete()).await, Some(Conflict::Missing));
    assert_eq!(store.admin_token(&all[0].hash).await.unwrap(), None);
}
